# What all environments contain together.
#
# inputs:  results/scenarios.jsonl, every certificate (and the files that it is about)
# outputs: results/stats.duckdb      tables for queries: awm stats "SELECT ..."
#          results/report.html       one page, without a reference to any other file

from awm_lib.embeddings import can_embed
from awm_lib.recipes import combined
from awm_lib.statistics.assets import assets_digest


rule tabulate_environments:
    """Collect environments, tools, tasks, solutions and checks in one database."""
    input:
        catalogue="results/scenarios.jsonl",
        certificates=all_certificates,
    output:
        "results/stats.duckdb",
    log:
        "logs/statistics.log",
    threads: workflow.cores
    params:
        recipe=stage_digest("statistics"),
        embeddings=can_embed(),
        llm=BUILD.config.llm.directory,
        left_out=f"--left-out {' '.join(BUILD.left_out)}" if BUILD.left_out else "",
    shell:
        "{AWM} statistics {output:q} --jobs {threads} --llm {params.llm:q} {params.left_out} 2> {log:q}"


rule write_report:
    """Write the page: figures beside the published reference's, distributions, checks, and all environments."""
    input:
        "results/stats.duckdb",
    output:
        report(
            "results/report.html",
            caption="captions/report.rst",
            category="Environments",
            labels={"page": "figures, tools, tasks and proofs"},
        ),
    log:
        "logs/report.log",
    params:
        recipe=combined(stage_digest("report"), assets_digest()),
    shell:
        "{AWM} statistics {input:q} --report {output:q} 2> {log:q}"
