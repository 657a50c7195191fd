# The catalogue of scenarios.
#
# inputs:  config.yaml (count, seed, tasks, packs), the packs
# outputs: results/scenarios.jsonl              all rows, for people and for the gate
#          results/{s}/scenario.json            one row


rule write_catalogue:
    """Write all scenarios, one per line. No environment depends on this file, so growing it rebuilds none."""
    output:
        "results/scenarios.jsonl",
    log:
        "logs/scenarios.log",
    params:
        arguments=BUILD.catalogue_arguments(),
        rows=BUILD.catalogue_digest(),
    shell:
        "{AWM} scenarios {output:q} {params.arguments} 2> {log:q}"


rule write_scenario:
    """Write one scenario's row. The row is a parameter: it changes only if this very row does."""
    output:
        "results/{s}/scenario.json",
    group:
        "environment"
    params:
        row=lambda wildcards: explained(BUILD.scenario_text, wildcards.s),
        digest=lambda wildcards: explained(BUILD.scenario_digest, wildcards.s),
    shell:
        "mkdir -p results/.built/{wildcards.s}"
        " && printf %s {params.row:q} > results/{wildcards.s}/.scenario.part"
        " && mv results/{wildcards.s}/.scenario.part {output:q}"
        " && printf %s {params.digest} > results/.built/{wildcards.s}/scenario.json"
