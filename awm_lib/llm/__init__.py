"""A client of language models: one seam for what answers, limits and a budget over all processes, a cache, a ledger."""
