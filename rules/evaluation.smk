# Evaluations of agents: the runs of the setting `evaluations`.
#
# inputs:  the certificates of the environments that a run uses; trials that are there already are not made again
# outputs: results/evals/{run}/summary.json       success, failures, rewards
#          results/evals/{run}/                   settings, trials, eval.duckdb


rule evaluate_agent:
    """Make the trials of a run whose environments are new or have changed, and sum all of them up."""
    input:
        catalogue=ancient("results/scenarios.jsonl"),
        certificates=lambda wildcards: expand(
            "results/{s}/certificate.json", s=explained(BUILD.evaluated, wildcards.run)
        ),
    output:
        "results/evals/{run}/summary.json",
    log:
        "logs/evaluate_{run}.log",
    wildcard_constraints:
        run=r"[a-z0-9][a-z0-9_.\-]*",
    threads: workflow.cores
    params:
        settings=lambda wildcards: explained(BUILD.evaluation_settings, wildcards.run),
        recipe=stage_digest("evaluate"),
    shell:
        "{AWM} evaluate --settings {params.settings:q} --catalogue {input.catalogue:q} --jobs {threads} > {log:q} 2>&1"
