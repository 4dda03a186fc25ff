"""The pytest plugin: experiments are tests, and tests can inject faults. See `docs/pytest.md`.

Every pytest that runs where this package is installed imports this module, so it imports nothing
but pytest and what is as light; the rest comes when a test needs it.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chaos.lab.handle import LabHandle
    from chaos.testing.experiment_file import ExperimentFile
    from chaos.testing.fixture import Chaos

_MARKER = (
    "chaos(experiment, slo, **variables): run this experiment before the test, and let it fail "
    "unless that passes; slo adds objectives"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Each option may stand in the ini file, too: `chaos_env` for `--chaos-env`."""
    group = parser.getgroup("chaos", "resilience experiments")
    group.addoption("--chaos-env", metavar="NAME", help="an environment of chaos.toml, or a URL")
    group.addoption(
        "--chaos-var", metavar="NAME=VALUE", action="append", help="fill in ${NAME} in experiments"
    )
    group.addoption("--chaos-report-dir", metavar="DIR", help="where runs are written")
    group.addoption("--chaos-dry-run", action="store_true", help="plan, and touch nothing")
    group.addoption(
        "--chaos-inconclusive",
        choices=("fail", "xfail", "skip"),
        help="what becomes of a test whose run could not decide",
    )
    group.addoption(
        "--chaos-wait", metavar="DURATION", help="for another run in the environment to end"
    )
    parser.addini("chaos_env", "as --chaos-env; default: lab")
    parser.addini("chaos_var", "as --chaos-var, a line each", type="linelist")
    parser.addini("chaos_report_dir", "as --chaos-report-dir; default: reports")
    parser.addini("chaos_dry_run", "as --chaos-dry-run", type="bool", default=False)
    parser.addini("chaos_inconclusive", "as --chaos-inconclusive; default: fail")
    parser.addini("chaos_wait", "as --chaos-wait; default: 1h")


_OPTIONS = ("env", "var", "report_dir", "dry_run", "inconclusive", "wait")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and check what is given at once.

    Raises:
        pytest.UsageError: an option is wrong.
    """
    config.addinivalue_line("markers", _MARKER)
    names = [f"chaos_{name}" for name in _OPTIONS]
    if any(config.getoption(name) or config.getini(name) for name in names):
        from chaos.model.problems import ChaosError
        from chaos.testing.session import ChaosSession

        try:
            ChaosSession.of(config)
        except ChaosError as error:
            raise pytest.UsageError(str(error)) from None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ExperimentFile | None:
    """Take YAML files that are meant to be experiments, and leave all others alone."""
    if file_path.suffix not in {".yaml", ".yml"}:
        return None
    from chaos.testing.experiment_file import ExperimentFile, is_experiment

    return ExperimentFile.from_parent(parent, path=file_path) if is_experiment(file_path) else None


@pytest.fixture
def chaos(request: pytest.FixtureRequest) -> Chaos:
    """Run experiments and inject faults: `chaos.run(...)`, `with chaos.fault(...)`."""
    from chaos.model.problems import InvalidInput
    from chaos.testing.fixture import Chaos

    try:
        return Chaos(request.node)
    except InvalidInput as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def chaos_lab(request: pytest.FixtureRequest) -> LabHandle:
    """The embedded AWS region: the one that is up, or one for this session."""
    from chaos.model.problems import ChaosError
    from chaos.testing.session import ChaosSession

    try:
        return ChaosSession.of(request.config).lab()
    except ChaosError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run the experiment that a test's marker names before the test."""
    marker = pyfuncitem.get_closest_marker("chaos")
    if marker is not None and marker.kwargs:
        from chaos.testing.fixture import Chaos

        try:
            Chaos(pyfuncitem).run_marked(**marker.kwargs)
        except pytest.fail.Exception as failed:
            failed.pytrace = False  # no line of the test has been run
            raise
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what is to be said of runs along with the report."""
    report = yield
    from chaos.testing.summary import attach_lines

    attach_lines(report, item)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the reports are."""
    from chaos.testing.summary import show_lines

    show_lines(terminalreporter)
