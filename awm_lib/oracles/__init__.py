"""Solutions: evaluating where values come from, replaying calls, and deriving what changes they make."""
