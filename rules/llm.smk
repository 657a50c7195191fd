# What a language model writes: included in place of catalogue.smk, synthesis.smk and oracle.smk where there is one.
#
# inputs:  the seeds; results/{s}/scenario.json, what earlier stages wrote, pinned files
# outputs: results/scenarios.jsonl       all scenarios: seeds, and those found after their model
#          results/{s}/draft.json        tasks, before there is any data
#          results/{s}/schema.sql        tables
#          results/{s}/seed.json         rows
#          results/{s}/spec.json         tools
#          results/{s}/tasks.json        the tasks that are proven
#          results/{s}/oracle.json       their solutions, executed and resolved
#
# Model, limits and budget are in config.yaml (llm:). They are no parameters, so changing them makes nothing again. The
# resource llm_calls keeps jobs from starting that would only wait for a turn; the profile sets how many there are.


checkpoint find_scenarios:
    """Find scenarios until there are as many as wanted. What is accepted is kept where no rule deletes it."""
    input:
        ancient(BUILD.config.llm.seeds),
    output:
        "results/scenarios.jsonl",
    log:
        "logs/scenarios.log",
    resources:
        llm_calls=1,
    params:
        arguments=BUILD.catalogue_arguments(),
    shell:
        "{AWM} scenarios {output:q} {params.arguments} 2> {log:q}"


rule write_tasks:
    """Have tasks written: what users ask, before there is any data."""
    input:
        scenario="results/{s}/scenario.json",
        pins=lambda wildcards: BUILD.pins(wildcards.s, "tasks.json"),
    output:
        "results/{s}/draft.json",
    log:
        "logs/{s}/tasks.log",
    group:
        "environment"
    resources:
        llm_calls=1,
    params:
        recipe=BUILD.stage_recipe("tasks"),
        overrides=BUILD.config.overrides,
    shell:
        "{AWM} write tasks results/{wildcards.s} --overrides {params.overrides:q} --recipe {params.recipe} 2> {log:q}"


rule write_schema:
    """Have the tables written that the tasks need; order, generated keys and indexes are computed."""
    input:
        scenario="results/{s}/scenario.json",
        draft="results/{s}/draft.json",
        pins=lambda wildcards: BUILD.pins(wildcards.s, "schema.sql"),
    output:
        "results/{s}/schema.sql",
    log:
        "logs/{s}/schema.log",
    group:
        "environment"
    resources:
        llm_calls=1,
    params:
        recipe=BUILD.stage_recipe("schema"),
        overrides=BUILD.config.overrides,
    shell:
        "{AWM} write schema results/{wildcards.s} --overrides {params.overrides:q} --recipe {params.recipe} 2> {log:q}"


rule write_rows:
    """Have the data written, in which each task has one right outcome."""
    input:
        scenario="results/{s}/scenario.json",
        draft="results/{s}/draft.json",
        schema="results/{s}/schema.sql",
        pins=lambda wildcards: BUILD.pins(wildcards.s, "seed.json"),
    output:
        "results/{s}/seed.json",
    log:
        "logs/{s}/rows.log",
    group:
        "environment"
    resources:
        llm_calls=1,
    params:
        recipe=BUILD.stage_recipe("rows"),
        overrides=BUILD.config.overrides,
    shell:
        "{AWM} write rows results/{wildcards.s} --overrides {params.overrides:q} --recipe {params.recipe} 2> {log:q}"


rule write_tools:
    """Have the tools written; each is compiled, and called with valid and invalid arguments, before it is accepted."""
    input:
        scenario="results/{s}/scenario.json",
        draft="results/{s}/draft.json",
        schema="results/{s}/schema.sql",
        database="results/{s}/seed.sqlite",
        pins=lambda wildcards: BUILD.pins(wildcards.s, "spec.json"),
    output:
        "results/{s}/spec.json",
    log:
        "logs/{s}/tools.log",
    group:
        "environment"
    resources:
        llm_calls=1,
    params:
        recipe=BUILD.stage_recipe("tools"),
        overrides=BUILD.config.overrides,
    shell:
        "{AWM} write tools results/{wildcards.s} --overrides {params.overrides:q} --recipe {params.recipe} 2> {log:q}"


rule write_solutions:
    """Have the tasks solved; a solution is executed and certified before it is accepted. Writes the tasks that are proven."""
    input:
        scenario="results/{s}/scenario.json",
        draft="results/{s}/draft.json",
        schema="results/{s}/schema.sql",
        seed="results/{s}/seed.json",
        database="results/{s}/seed.sqlite",
        spec="results/{s}/spec.json",
        pins=lambda wildcards: BUILD.pins(wildcards.s, "tasks.json", "oracle.json"),
    output:
        tasks="results/{s}/tasks.json",
        oracle="results/{s}/oracle.json",
    log:
        "logs/{s}/solutions.log",
    group:
        "environment"
    resources:
        llm_calls=1,
    params:
        recipe=BUILD.stage_recipe("solutions"),
        overrides=BUILD.config.overrides,
    shell:
        "{AWM} write solutions results/{wildcards.s} --overrides {params.overrides:q} --recipe {params.recipe} 2> {log:q}"
