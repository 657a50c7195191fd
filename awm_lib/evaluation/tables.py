"""The tables of a run's eval.duckdb: every column with its type and meaning."""

from __future__ import annotations

from awm_lib.tables import Table, table

_TRIAL = (
    ("scenario", "VARCHAR", "the environment"),
    ("task", "VARCHAR", "the task's id"),
    ("trial", "INTEGER", "which of the task's trials, from 1"),
)
_ESTIMATE = (
    ("mean", "DOUBLE", "the mean over tasks"),
    ("low", "DOUBLE", "lower end of its 95 % interval"),
    ("high", "DOUBLE", "upper end"),
)

TABLES: tuple[Table, ...] = (
    table(
        "trials",
        "One row for each finished trial.",
        *_TRIAL,
        ("complete", "BOOLEAN", "whether it is a success"),
        ("masked", "BOOLEAN", "whether it met an error that is not the agent's; then it counts for nothing"),
        ("partial", "DOUBLE", "share of the expected changes made; 0 if anything else changed"),
        ("failure_class", "VARCHAR", "agent, environment or infrastructure; NULL for a success"),
        ("failure", "VARCHAR", "the reason's kind, such as side_effect or wrong_answer"),
        ("stop", "VARCHAR", "why it ended"),
        ("turns", "INTEGER", "replies of the model"),
        ("calls", "INTEGER", "tool calls"),
        ("tools", "VARCHAR[]", "different tools that it called"),
        ("tokens", "BIGINT", "tokens of prompts and replies"),
        ("cost", "DOUBLE", "dollars, as far as prices are known"),
        ("seconds", "DOUBLE", "seconds that its replies and calls took"),
        ("reward", "DOUBLE", "the outcome reward; NULL if masked"),
        ("format_reward", "DOUBLE", "0, or the penalty for a step against the format; NULL if masked"),
        ("category", "VARCHAR", "the environment's category"),
        ("kind", "VARCHAR", "action, question or both"),
        ("level", "VARCHAR", "easy, middle or hard"),
        ("skills", "VARCHAR[]", "what the task takes"),
    ),
    table(
        "calls",
        "One row for each tool call.",
        *_TRIAL,
        ("position", "INTEGER", "its place in the trial, from 1"),
        ("turn", "INTEGER", "the reply that made it"),
        ("tool", "VARCHAR", "the tool"),
        ("error", "VARCHAR", "the error's kind; NULL if the call was carried out"),
        ("well_formed", "BOOLEAN", "whether tool and arguments are as published"),
        ("changes", "INTEGER", "rows that it changed"),
        ("seconds", "DOUBLE", "how long it took; NULL for agents that ask no model"),
        ("arguments", "JSON", "as the agent gave them"),
    ),
    table(
        "problems",
        "One row for each thing that went wrong in a trial, recovered from or not.",
        *_TRIAL,
        ("turn", "INTEGER", "the reply in which it happened"),
        ("error_class", "VARCHAR", "agent, environment or infrastructure"),
        ("kind", "VARCHAR", "such as unknown_tool, malformed_call, internal, timeout"),
        ("message", "VARCHAR", "what happened"),
    ),
    table(
        "success",
        "The share of complete trials, by groups of trials; masked ones are left out.",
        ("dimension", "VARCHAR", "all, category, level, kind, skill or tool"),
        ("name", "VARCHAR", "the group"),
        ("tasks", "INTEGER", "its tasks"),
        ("trials", "INTEGER", "its trials"),
        ("complete", "INTEGER", "those that are complete"),
        *_ESTIMATE,
    ),
    table(
        "pass_at",
        "Success of k trials of a task, by the same groups.",
        ("dimension", "VARCHAR", "all, category, level, kind, skill or tool"),
        ("name", "VARCHAR", "the group"),
        ("measure", "VARCHAR", "any (pass@k) or all (pass^k)"),
        ("k", "INTEGER", "trials"),
        ("tasks", "INTEGER", "tasks that have so many"),
        *_ESTIMATE,
    ),
    table(
        "judgements",
        "One row for each trial that a language model judged (verify --mode sql).",
        *_TRIAL,
        ("verdict", "VARCHAR", "complete, incomplete, server_error or agent_error: what most votes say"),
        ("confidence", "DOUBLE", "mean confidence of the votes for it"),
        ("unanimous", "BOOLEAN", "whether all votes say the same"),
        ("votes", "VARCHAR[]", "the votes"),
        ("code_complete", "BOOLEAN", "what the verifier says"),
    ),
)
