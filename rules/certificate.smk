# The proof of every environment, and the gate over all of them.
#
# inputs:  every file of an environment; results/scenarios.jsonl for the gate
# outputs: results/{s}/certificate.json, always, whatever it says
#          results/all_envs.done, if no more than max_failed environments fail


rule certify_environment:
    """Execute all checks: fuzzing, oracle, no-op, correct variants, near-miss mutants, sources."""
    input:
        scenario="results/{s}/scenario.json",
        tasks="results/{s}/tasks.json",
        schema="results/{s}/schema.sql",
        seed="results/{s}/seed.json",
        database="results/{s}/seed.sqlite",
        spec="results/{s}/spec.json",
        server="results/{s}/server.py",
        oracle="results/{s}/oracle.json",
        verifier="results/{s}/verifier.py",
        solving="results/{s}/solving.json" if BUILD.config.llm.solve else [],
    output:
        "results/{s}/certificate.json",
    log:
        "logs/{s}/certify.log",
    priority: 4
    group:
        "environment"
    params:
        recipe=stage_digest("certify"),
        solving="--solving" if BUILD.config.llm.solve else "",
    shell:
        "{AWM} certify results/{wildcards.s} {params.solving} > {log:q} 2>&1"


rule judge_environments:
    """Let the build pass if its certificates did; say which did not, and why, if not."""
    input:
        catalogue="results/scenarios.jsonl",
        certificates=all_certificates,
    output:
        "results/all_envs.done",
    log:
        "logs/gate.log",
    params:
        recipe=stage_digest("gate"),
        left_out=f"--left-out {' '.join(BUILD.left_out)}" if BUILD.left_out else "",
        max_failed=BUILD.config.max_failed,
    shell:
        "{AWM} gate {output:q} --max-failed {params.max_failed} {params.left_out} 2> {log:q}"
