# The verifiers of the tasks.
#
# inputs:  results/{s}/tasks.json, oracle.json, spec.json, seed.sqlite
# outputs: results/{s}/verifier.py


rule compile_verifier:
    """Derive the expected changes from real runs of the solutions, and compile one function per task."""
    input:
        scenario="results/{s}/scenario.json",
        tasks="results/{s}/tasks.json",
        oracle="results/{s}/oracle.json",
        spec="results/{s}/spec.json",
        database="results/{s}/seed.sqlite",
    output:
        "results/{s}/verifier.py",
    log:
        "logs/{s}/verifier.log",
    priority: 3
    group:
        "environment"
    params:
        recipe=stage_digest("verifier"),
    shell:
        "{AWM} verifier results/{wildcards.s} 2> {log:q}"
