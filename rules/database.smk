# The initial database.
#
# inputs:  results/{s}/schema.sql, results/{s}/seed.json
# outputs: results/{s}/seed.sqlite


rule build_database:
    """Compile tables and rows to a database file: the same bytes for the same inputs."""
    input:
        schema="results/{s}/schema.sql",
        seed="results/{s}/seed.json",
    output:
        "results/{s}/seed.sqlite",
    log:
        "logs/{s}/database.log",
    priority: 1
    group:
        "environment"
    params:
        recipe=stage_digest("database"),
    shell:
        "{AWM} database results/{wildcards.s} 2> {log:q}"
