# The tools as Python.
#
# inputs:  results/{s}/scenario.json (its title), results/{s}/spec.json, results/{s}/schema.sql
# outputs: results/{s}/server.py


rule compile_server:
    """Compile the tools to typed functions with their SQL in plain sight."""
    input:
        scenario="results/{s}/scenario.json",
        spec="results/{s}/spec.json",
        schema="results/{s}/schema.sql",
    output:
        "results/{s}/server.py",
    log:
        "logs/{s}/server.log",
    priority: 1
    group:
        "environment"
    params:
        recipe=stage_digest("server"),
    shell:
        "{AWM} server results/{wildcards.s} 2> {log:q}"
