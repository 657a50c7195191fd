# What a provider writes.
#
# inputs:  results/{s}/scenario.json, the parts of its pack that the scenario uses (by recipe), pinned files
# outputs: results/{s}/plan.json         what was sampled, and how the tasks are bound to the data
#          results/{s}/tasks.json        what users ask
#          results/{s}/schema.sql        tables
#          results/{s}/seed.json         rows
#          results/{s}/spec.json         tools


rule synthesize_offline:
    """Sample a world from its pack. One job makes all five files, which come from the same sample."""
    input:
        scenario="results/{s}/scenario.json",
        pins=lambda wildcards: BUILD.pins(
            wildcards.s, "tasks.json", "schema.sql", "seed.json", "spec.json"
        ),
    output:
        plan="results/{s}/plan.json",
        tasks="results/{s}/tasks.json",
        schema="results/{s}/schema.sql",
        seed="results/{s}/seed.json",
        spec="results/{s}/spec.json",
    log:
        "logs/{s}/synthesize.log",
    group:
        "environment"
    params:
        recipe=lambda wildcards: explained(BUILD.synthesis_recipe, wildcards.s),
        overrides=BUILD.config.overrides,
    shell:
        "{AWM} synthesize results/{wildcards.s} --overrides {params.overrides:q} --recipe {params.recipe} 2> {log:q}"
