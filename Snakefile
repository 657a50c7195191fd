# Environments as build targets.
#
#   snakemake results/all_envs.done                   build and certify the whole catalogue
#   snakemake results/e_commerce_33/server.py         build one file of one environment, and what it needs
#   snakemake -n results/all_envs.done                say what would be built, and why
#
# Settings: config.yaml. Number of jobs and the like: profiles/default/config.yaml. One file of rules for each stage:


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/scenarios.smk"
include: "rules/database.smk"
include: "rules/interface.smk"
include: "rules/verifier.smk"
include: "rules/certificate.smk"
include: "rules/statistics.smk"
include: "rules/evaluation.smk"


if BUILD.config.llm.solve:

    include: "rules/solve.smk"


if BUILD.by_model:

    include: "rules/llm.smk"

else:

    include: "rules/catalogue.smk"
    include: "rules/synthesis.smk"
    include: "rules/oracle.smk"


rule all:
    """The default target: every environment of the catalogue, certified."""
    default_target: True
    input:
        "results/all_envs.done",
