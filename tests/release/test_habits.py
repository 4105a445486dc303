"""The workflows, the forms for issues, and the hooks before a commit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from ruamel.yaml import YAML

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[0-9]*.yml"))
USES = re.compile(r"uses: (\S+)(.*)")
# An action at a commit, with the version that the commit has.
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load(path)
    return document


def check(schema: str, *paths: Path) -> Result:
    """Check files with a schema that check-jsonschema brings along."""
    return CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", f"vendor.{schema}", *map(str, paths)])


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("github-workflows", WORKFLOWS),
        ("github-issue-forms", FORMS),
        ("github-issue-config", [ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml"]),
    ],
)
def test_githubs_schemas_take_them(schema: str, paths: list[Path], tmp_path: Path) -> None:
    done = check(schema, *paths)
    assert done.exit_code == 0, done.output
    # It does find mistakes.
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("jobs: 1\nbody: 1\ncontact_links: 1\n")
    assert check(schema, wrong).exit_code == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_jobs_may_do_what_they_need_alone(path: Path) -> None:
    used = USES.findall(path.read_text())
    assert used
    assert [name + rest for name, rest in used if PINNED.fullmatch(name + rest) is None] == []
    workflow = read(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 180, name
        allowed = job["permissions"]
        assert isinstance(allowed, dict), name
        # Nothing that a change of a stranger runs may write.
        if "pull_request" in workflow["on"] and "write" in allowed.values():
            assert "github.event_name != 'pull_request'" in job["if"], name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


def test_one_action_has_one_commit() -> None:
    used = {found for path in WORKFLOWS for found in USES.findall(path.read_text())}
    names = [name.partition("@")[0] for name, _ in used]
    assert sorted(names) == sorted(set(names))


def test_zizmor_finds_no_weakness_in_the_workflows(tmp_path: Path) -> None:
    program = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("zizmor is not installed")
    command = [program, "--offline", "--no-progress", "--quiet"]
    done = subprocess.run([*command, ROOT / ".github"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / ".github" / "workflows" / "wrong.yml"
    wrong.parent.mkdir(parents=True)
    text = WORKFLOWS[0].read_text()
    # What a stranger names a branch would be run.
    wrong.write_text(text.replace('"$GITHUB_REF_NAME"', "${{ github.head_ref }}"))
    assert wrong.read_text() != text
    assert subprocess.run([*command, tmp_path], capture_output=True, check=False).returncode != 0


def test_what_the_workflows_make_is_a_target_of_make() -> None:
    jobs = [job for path in WORKFLOWS for job in read(path)["jobs"].values()]
    lines = [line.split() for job in jobs for step in job["steps"] for line in step.get("run", "").splitlines()]
    made = {words[1] for words in lines if words[:1] == ["make"]}
    makefile = (ROOT / "Makefile").read_text()
    included = [ROOT / name for name in re.findall(r"^include (\S+)$", makefile, re.MULTILINE)]
    rules = makefile + "".join(path.read_text() for path in included)
    known = set(" ".join(re.findall(r"^\.PHONY: (.*)", rules, re.MULTILINE)).split())
    assert "test" in made
    assert made - known == set()


@pytest.mark.parametrize("path", FORMS[:2], ids=lambda path: path.name)
def test_forms_for_faults_ask_for_the_doctors_json(path: Path) -> None:
    (field,) = (one for one in read(path)["body"] if one.get("id") == "doctor")
    assert "nampedal doctor --json" in field["attributes"]["description"]
    assert field["validations"] == {"required": True}


def test_hooks_are_programs_of_the_environment_and_fetch_nothing() -> None:
    (repo,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"
    hooks = {hook["id"]: hook for hook in repo["hooks"]}
    assert {"ruff", "ruff-format", "mypy", "clang-format", "commit-subject"} <= set(hooks)
    for hook in hooks.values():
        program, *words = hook["entry"].split()
        assert hook["language"] == "system"
        assert program.startswith(".venv/bin/")
        assert [word for word in words if word.endswith(".py") and not (ROOT / word).is_file()] == []
    assert hooks["commit-subject"]["stages"] == ["commit-msg"]


def test_pre_commit_takes_the_hooks() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(ROOT / ".pre-commit-config.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
