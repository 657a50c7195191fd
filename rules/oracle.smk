# The solutions of the tasks.
#
# inputs:  results/{s}/plan.json, tasks.json, spec.json, seed.sqlite; a pinned oracle.json
# outputs: results/{s}/oracle.json


rule resolve_oracle:
    """Execute the solving calls of every task, and write down the values that came out."""
    input:
        scenario="results/{s}/scenario.json",
        plan="results/{s}/plan.json",
        tasks="results/{s}/tasks.json",
        spec="results/{s}/spec.json",
        database="results/{s}/seed.sqlite",
        pins=lambda wildcards: BUILD.pins(wildcards.s, "oracle.json"),
    output:
        "results/{s}/oracle.json",
    log:
        "logs/{s}/oracle.log",
    priority: 2
    group:
        "environment"
    params:
        recipe=stage_digest("oracle"),
        overrides=BUILD.config.overrides,
    shell:
        "{AWM} oracle results/{wildcards.s} --overrides {params.overrides:q} 2> {log:q}"
