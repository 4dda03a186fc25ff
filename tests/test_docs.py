"""What is written about the project is true."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from chaos.actions.registry import Registry
from chaos.cli import COMMANDS, main
from chaos.exit_codes import ExitCode
from tests.chaos_command import Chaos

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_table_of_actions_is_the_one_the_classes_give(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`chaos actions --markdown > docs/actions.md` after a change."""
    main(["actions", "--markdown"])
    assert capsys.readouterr().out == (ROOT / "docs/actions.md").read_text()


@pytest.mark.parametrize(
    ("words", "file"), [((), "experiment.schema.json"), (("--gameday",), "gameday.schema.json")]
)
def test_the_schemas_for_editors_are_those_the_models_give(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], file: str
) -> None:
    """`chaos schema [--gameday] > chaos/model/....schema.json` after a change."""
    main(["schema", *words])
    assert capsys.readouterr().out == (ROOT / "chaos/model" / file).read_text()


@pytest.mark.parametrize(
    ("folder", "schema"),
    [("experiments", "experiment.schema.json"), ("gamedays", "gameday.schema.json")],
)
def test_an_editor_finds_nothing_wrong_with_what_is_shipped(folder: str, schema: str) -> None:
    """The schemas take all that the files may say."""
    files = sorted((ROOT / folder).glob("*.yaml"))
    assert files
    known = json.loads((ROOT / "chaos/model" / schema).read_text())
    for file in files:
        said = json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str))  # dates
        jsonschema.validate(said, known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Of those within the repository."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_every_command_that_the_docs_mention_exists() -> None:
    """And every command is mentioned somewhere."""
    text = "\n".join(page.read_text() for page in PAGES)
    mentioned = set(re.findall(r"(?:^|`)chaos ([a-z]+)\b", text, re.MULTILINE))
    assert mentioned == set(COMMANDS)


def test_the_readme_lists_the_exit_codes() -> None:
    """All of them, with their numbers."""
    readme = " ".join((ROOT / "README.md").read_text().split())
    listed = {int(n) for n in re.findall(r"(\d) [a-z]", readme[readme.index("Exit codes") :])}
    assert {code.value for code in ExitCode} <= listed


def test_the_report_that_the_readme_shows_can_be_made_again(tmp_path: Path) -> None:
    """From its own records, as people read it: what is kept today can be read tomorrow."""
    kept, again = ROOT / "reports/sample", tmp_path / "reports/sample"
    shutil.copytree(kept, again)
    command = Chaos(tmp_path)
    made = command("report", again)
    assert made.returncode == 0, made.stderr
    for name in ("report.md", "junit.xml", "timeline.csv"):
        assert (again / name).read_bytes() == (kept / name).read_bytes(), name


def test_every_action_of_the_registry_has_a_file_named_for_its_service() -> None:
    """So that a newcomer finds it by its id."""
    for kind in Registry().all_actions():
        assert (ROOT / "chaos/actions" / f"{kind.id.split(':')[1]}.py").exists()
