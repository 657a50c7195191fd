"""Compilers: from data that providers write to files that run."""
