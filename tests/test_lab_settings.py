"""The lab's settings: names, values, and what is said of wrong ones."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from chaos.lab.settings import LabSettings
from chaos.model.problems import InvalidInput


def test_overrides_replace_defaults_by_name() -> None:
    """What is not named keeps its default."""
    settings = LabSettings.from_mapping({"boot_delay": 0, "instances": 9})
    assert (settings.boot_delay, settings.instances) == (0, 9)
    assert settings.connect_timeout == LabSettings().connect_timeout


def test_an_unknown_name_is_refused_with_the_nearest_valid_one() -> None:
    """A slip of the pen is told, not ignored."""
    with pytest.raises(InvalidInput, match=r"boot_dealy.*boot_delay"):
        LabSettings.from_mapping({"boot_dealy": 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("boot_delay", -1),
        ("boot_delay", "1s"),
        ("boot_delay", True),
        ("boot_delay", float("nan")),
        ("idle_timeout", float("inf")),
        ("health_check_interval", 0),
        ("instances", 0),
        ("instances", 1.5),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(name: str, value: object) -> None:
    """The message names the setting and what was found."""
    with pytest.raises(InvalidInput, match=rf"{name}.*{value}"):
        LabSettings.from_mapping({name: value})


def test_every_setting_stands_in_the_fidelity_table() -> None:
    """The document lists each setting with its default."""
    text = (Path(__file__).parent.parent / "docs" / "lab.md").read_text()
    for field in fields(LabSettings):
        assert f"`{field.name}` = {field.default:g}" in text, field.name
