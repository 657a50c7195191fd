# One scenario of the catalogue.
#
# inputs:  its row, as catalogue.smk or llm.smk has it
# outputs: results/{s}/scenario.json            one row


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
