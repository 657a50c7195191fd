"""Agents behind one interface: oracle, noop, random, and language models by two protocols."""
