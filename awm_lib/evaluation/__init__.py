"""Evaluation: trials of agents on built environments, their records, rewards, judges, summaries and pages."""
