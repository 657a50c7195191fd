"""Certificates: executed proof that tasks are solvable and that verifiers accept right runs and reject wrong ones."""
