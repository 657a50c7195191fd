# The catalogue of scenarios, where they are sampled from packs.
#
# inputs:  config.yaml (count, seed, tasks, packs), the packs
# outputs: results/scenarios.jsonl              all rows, for people and for the gate


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
