"""Agent world models: a build system for training environments of tool-use agents.

Nothing is imported here, so that a stage command pays only for what it uses.
"""
