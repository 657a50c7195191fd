"""The shapes of an environment's files. Nothing else in the project defines them."""
