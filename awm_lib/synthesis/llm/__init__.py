"""The language model provider: one structured request for each stage, checked, corrected with exact findings."""
