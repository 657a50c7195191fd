"""What ``awm stats`` shows by itself: a line about the whole, and a row for each category."""

from __future__ import annotations

from typing import TYPE_CHECKING

from awm_lib.statistics.query import ask

if TYPE_CHECKING:
    import duckdb

BY_CATEGORY = """
WITH solved AS (
  SELECT scenario, avg(calls) AS calls, count(*) FILTER (level = 'easy') AS easy,
         count(*) FILTER (level = 'middle') AS middle, count(*) FILTER (level = 'hard') AS hard
  FROM tasks GROUP BY scenario
)
SELECT CASE WHEN grouping(category) = 1 THEN 'all' ELSE category END AS category,
       count(*) AS environments,
       count(*) FILTER (passed) AS certified,
       round(avg(tools), 2) AS tools,
       round(avg(tables), 2) AS tables,
       round(avg(rows), 2) AS rows,
       round(avg(tasks), 2) AS tasks,
       round(avg(calls), 2) AS calls,
       coalesce(sum(easy), 0)::BIGINT AS easy,
       coalesce(sum(middle), 0)::BIGINT AS middle,
       coalesce(sum(hard), 0)::BIGINT AS hard
FROM environments LEFT JOIN solved USING (scenario)
GROUP BY GROUPING SETS ((category), ())
ORDER BY grouping(category), environments DESC, category
"""
"""Means per environment (calls: per task), numbers of tasks by difficulty; the last row is the whole."""


def headline(connection: duckdb.DuckDBPyConnection) -> str:
    """One line about the whole build."""
    found = ask(
        connection,
        "SELECT count(*), count(*) FILTER (passed), coalesce(sum(tools), 0), coalesce(sum(tables), 0), "
        "coalesce(sum(rows), 0), coalesce(sum(tasks), 0), coalesce(sum(tasks_proven), 0) FROM environments",
    ).rows[0]
    environments, certified, tools, tables, rows, tasks, proven = found
    return (
        f"{environments:,} environments, {certified:,} certified; {tools:,} tools over {tables:,} tables with "
        f"{rows:,} rows; {tasks:,} tasks, {proven:,} proven. Means per environment; calls per task:"
    )
