"""Which jobs each kind of change brings, and which it does not."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.conftest import Project

SYNTHESIS = {"synthesize_offline"}
AFTER = {"build_database", "compile_server", "resolve_oracle", "compile_verifier", "certify_environment"}
GATE = ("judge_environments", "")
NAMES = {"e_commerce_1", "banking_2", "e_commerce_3", "e_commerce_33"}


def jobs_of(name: str, rules: set[str]) -> set[tuple[str, str]]:
    """The jobs of some rules for one scenario."""
    return {(rule, name) for rule in rules}


def test_nothing_is_to_be_done_after_a_build(built: Project) -> None:
    assert built.planned() == set()
    assert "Nothing to be done" in built.snakemake("-n", "results/all_envs.done").stdout


def test_one_file_builds_what_it_needs_and_nothing_else(project: Project) -> None:
    assert project.planned("results/e_commerce_33/server.py") == jobs_of(
        "e_commerce_33", {"write_scenario", *SYNTHESIS, "compile_server"}
    )


def test_a_commit_of_documentation_rebuilds_nothing(built: Project) -> None:
    built.write("README.md", "# another text")
    built.write("docs.md", "and a page")
    assert built.planned() == set()


def test_a_touched_file_rebuilds_nothing(built: Project) -> None:
    for name in ("tasks.json", "spec.json", "seed.sqlite", "oracle.json"):
        os.utime(built.results / "e_commerce_33" / name)
    assert built.planned() == set()


def test_a_tasks_wording_rebuilds_what_follows_from_tasks(built: Project) -> None:
    path = built.results / "e_commerce_33" / "tasks.json"
    text = path.read_text()
    start = text.index('"instruction": "') + len('"instruction": "')
    path.write_text(text[:start] + "Hello. " + text[start:])
    assert built.planned() == jobs_of(
        "e_commerce_33", {"resolve_oracle", "compile_verifier", "certify_environment"}
    ) | {GATE}


def test_a_table_rebuilds_the_database_and_what_follows(built: Project) -> None:
    path = built.results / "e_commerce_33" / "schema.sql"
    path.write_text(path.read_text() + "\nCREATE TABLE extra (id INTEGER PRIMARY KEY AUTOINCREMENT);\n")
    assert built.planned() == jobs_of("e_commerce_33", AFTER) | {GATE}


def test_a_tool_rebuilds_the_server_and_the_proof(built: Project) -> None:
    built.edit("results/e_commerce_33/spec.json", '"summary": "', '"summary": "Please: ')
    expected = AFTER - {"build_database"}
    assert built.planned() == jobs_of("e_commerce_33", expected) | {GATE}


def test_a_row_rebuilds_the_database_but_not_the_server(built: Project) -> None:
    path = built.results / "e_commerce_33" / "seed.json"
    path.write_text(path.read_text().replace("Portland", "Bridgeport") + "\n")
    assert built.planned() == jobs_of("e_commerce_33", AFTER - {"compile_server"}) | {GATE}


def test_a_deleted_file_is_made_again_with_what_follows(built: Project) -> None:
    (built.results / "banking_2" / "verifier.py").unlink()
    assert built.planned() == jobs_of("banking_2", {"compile_verifier", "certify_environment"}) | {GATE}


def test_one_pack_rebuilds_its_environments_only(built: Project) -> None:
    home = "awm_lib/synthesis/offline/packs/banking"
    module = (built.home / home / "pack.yaml").read_text().split("modules: [")[1].split(",")[0].strip()
    path = built.home / home / f"{module}.yaml"
    path.write_text(path.read_text().replace("title: ", "title: The ", 1))
    planned = built.planned()
    assert {name for _, name in planned if name} == {"banking_2"}
    assert jobs_of("banking_2", SYNTHESIS | AFTER) <= planned


def test_one_template_rebuilds_the_environments_that_have_its_module(built: Project) -> None:
    import yaml

    from awm_lib.contracts.scenario import Scenario

    home = built.home / "awm_lib/synthesis/offline/packs/e_commerce"
    worlds = {name: set(Scenario.read(built.results / name / "scenario.json").modules) for name in NAMES}
    modules = [path.stem for path in home.glob("*.yaml") if path.stem not in ("pack", "niches")]
    chosen = next(
        module
        for module in sorted(modules)
        if yaml.safe_load((home / f"{module}.yaml").read_text()).get("tasks")
        and 0 < sum(module in found for found in worlds.values()) < len(NAMES) - 1
    )
    text = (home / f"{chosen}.yaml").read_text()
    head, tail = text.split("wordings:", 1)
    marker = tail.index('- "') + 3
    (home / f"{chosen}.yaml").write_text(head + "wordings:" + tail[:marker] + "Hello. " + tail[marker:])
    assert {name for _, name in built.planned() if name} == {n for n, found in worlds.items() if chosen in found}


def test_a_niche_rebuilds_its_environments_only(built: Project) -> None:
    from awm_lib.contracts.scenario import Scenario

    niches = {name: Scenario.read(built.results / name / "scenario.json").niche for name in NAMES}
    chosen = niches["e_commerce_33"]
    path = built.home / "awm_lib/synthesis/offline/packs/e_commerce/niches.yaml"
    head, tail = path.read_text().split(f"- name: {chosen}\n", 1)
    path.write_text(f"{head}- name: {chosen}\n" + tail.replace("price: ", "price: 1", 1))
    assert {name for _, name in built.planned() if name} == {n for n, niche in niches.items() if niche == chosen}


def test_the_code_of_one_stage_rebuilds_that_stage_and_what_follows(built: Project) -> None:
    built.edit("awm_lib/compile/server.py", '"""spec.json', '"""A new spec.json')
    expected = {(rule, name) for name in NAMES for rule in ("compile_server", "certify_environment")} | {GATE}
    assert built.planned() == expected


def test_the_code_of_the_checks_rebuilds_certificates_only(built: Project) -> None:
    built.edit("awm_lib/certify/mutants.py", "MAX_ARGUMENTS = 8", "MAX_ARGUMENTS = 9")
    assert built.planned() == {("certify_environment", name) for name in NAMES} | {GATE}


def test_the_code_of_serving_rebuilds_nothing(built: Project) -> None:
    path = built.home / "awm_lib/serve/app.py"
    path.write_text(path.read_text() + "\n# a comment\n")
    assert built.planned() == set()


def test_another_seed_rebuilds_everything(built: Project) -> None:
    planned = built.planned(config="seed=2")
    assert {name for _, name in planned if name} == NAMES
    assert ("write_scenario", "banking_2") in planned


def test_settings_that_no_stage_uses_rebuild_nothing_but_the_gate(built: Project) -> None:
    assert built.planned(config="overwrite_edits=true") == set()
    assert built.planned(config="max_failed=3") == {GATE}


def test_a_grown_catalogue_rebuilds_nothing_that_stands(built: Project) -> None:
    planned = built.planned(config="count=5")
    assert {name for _, name in planned if name} == {"banking_4", "e_commerce_5"}
    assert ("write_catalogue", "") in planned
    assert GATE in planned


def test_another_row_of_the_catalogue_leaves_the_rest_alone(built: Project) -> None:
    planned = built.planned("results/e_commerce_7/certificate.json", config="count=7")
    assert {name for _, name in planned} == {"e_commerce_7"}


def test_a_pinned_file_is_used_and_rebuilds_its_environment(built: Project) -> None:
    path = built.results / "e_commerce_33" / "tasks.json"
    edited = path.read_text().replace('"instruction": "', '"instruction": "Good morning. ', 1)
    path.write_text(edited)
    assert built.awm("pin", "e_commerce_33", "tasks.json").returncode == 0
    planned = built.planned()
    assert {name for _, name in planned if name} == {"e_commerce_33"}
    done = built.snakemake("results/e_commerce_33/certificate.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert path.read_text() == edited
    assert built.planned("results/e_commerce_33/certificate.json") == set()
    assert built.awm("unpin", "e_commerce_33", "tasks.json").returncode == 0
    assert ("synthesize_offline", "e_commerce_33") in built.planned()


def test_a_hand_edit_that_an_upstream_change_would_destroy_stops_the_run(built: Project) -> None:
    path = built.results / "e_commerce_33" / "tasks.json"
    edited = path.read_text().replace('"instruction": "', '"instruction": "Good morning. ', 1)
    path.write_text(edited)
    (built.results / "e_commerce_33" / "plan.json").unlink()
    done = built.snakemake("results/e_commerce_33/certificate.json")
    assert done.returncode != 0
    message = done.stdout + done.stderr
    assert "results/e_commerce_33/tasks.json" in message
    assert "awm pin e_commerce_33 tasks.json" in message
    assert "overwrite_edits=true" in message
    assert "Traceback" not in message
    assert path.read_text() == edited
    again = built.snakemake("results/e_commerce_33/certificate.json", config="overwrite_edits=true")
    assert again.returncode == 0, again.stdout + again.stderr
    assert path.read_text() != edited


@pytest.mark.slow
def test_a_second_project_makes_the_same_bytes(finished: Project, project: Project) -> None:
    done = project.snakemake("-j", "1", "results/e_commerce_33/certificate.json", AWM_WORKER="0")
    assert done.returncode == 0, done.stdout + done.stderr
    for path in sorted((finished.results / "e_commerce_33").iterdir()):
        assert path.read_bytes() == (project.results / "e_commerce_33" / path.name).read_bytes(), path.name


def test_the_same_command_goes_on_after_results_are_partly_gone(built: Project) -> None:
    before = {path.name: path.read_bytes() for path in (built.results / "e_commerce_1").iterdir()}
    shutil.rmtree(built.results / "e_commerce_1")
    done = built.snakemake("results/all_envs.done")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name: path.read_bytes() for path in (built.results / "e_commerce_1").iterdir()} == before
