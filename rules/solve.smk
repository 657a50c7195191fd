# Independent solving: included if llm.solve is more than 0.
#
# inputs:  every file of an environment but its certificate
# outputs: results/{s}/solving.json      how a model fared that saw only instructions and tools


rule solve_tasks:
    """Have a model attempt each task, seeing only instructions and tools; the certificate repeats how it fared."""
    input:
        scenario="results/{s}/scenario.json",
        tasks="results/{s}/tasks.json",
        database="results/{s}/seed.sqlite",
        spec="results/{s}/spec.json",
        oracle="results/{s}/oracle.json",
        verifier="results/{s}/verifier.py",
    output:
        "results/{s}/solving.json",
    log:
        "logs/{s}/solve.log",
    group:
        "environment"
    resources:
        llm_calls=1,
    params:
        recipe=BUILD.stage_recipe("solve"),
        attempts=BUILD.config.llm.solve,
    shell:
        "{AWM} solve results/{wildcards.s} --attempts {params.attempts} 2> {log:q}"
