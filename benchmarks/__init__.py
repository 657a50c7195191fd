"""The figures of docs/benchmarks.md: each measured beside its floor or its peer in the same run."""
