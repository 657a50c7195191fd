"""What a build contains: tables for DuckDB, queries over them, and a page about them."""
