"""`junit.xml`: what a CI server shows as tests.

One test case says whether the run completed, one stands for each objective, one for the rollback of
each action. A violated objective and a rollback that did not work are failures. An inconclusive
objective is an error: nothing was shown to be wrong, but the question was not answered, and a build
must not go green on it.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from chaos.measure.formats import iso, objective, printable
from chaos.measure.run import Ending, FaultTimes
from chaos.report.headline import headline
from chaos.report.result import Result
from chaos.slo.verdict import SloResult, Verdict


def render_junit(result: Result) -> str:
    """The text of `junit.xml`."""
    suite = ET.Element("testsuite")
    _run_case(suite, result)
    for slo in result.slos:
        _slo_case(suite, slo)
    for fault in result.faults:
        _rollback_case(suite, fault.times)
    _describe(suite, result)
    root = ET.Element("testsuites", suite.attrib)
    root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _describe(suite: ET.Element, result: Result) -> None:
    run = result.run
    suite.attrib |= {
        "name": printable(run.title),
        "tests": str(len(suite)),
        "failures": str(len(suite.findall("*/failure"))),
        "errors": str(len(suite.findall("*/error"))),
        "skipped": str(len(suite.findall("*/skipped"))),
        "timestamp": iso(run.started_at),
        "time": f"{run.ended_at - run.started_at:.3f}",
    }


def _run_case(suite: ET.Element, result: Result) -> None:
    case = _case(suite, "run", result.run.run_id)
    match result.run.ending:
        case Ending.COMPLETED:
            pass
        case Ending.ROLLBACK_INCOMPLETE:
            _outcome(case, "failure", headline(result))
        case Ending.ABORTED | Ending.UNUSABLE | Ending.ALREADY_SICK:
            _outcome(case, "error", headline(result))


def _slo_case(suite: ET.Element, slo: SloResult) -> None:
    case = _case(suite, "slo", slo.name)
    said = _said(slo)
    match slo.verdict:
        case Verdict.PASS:
            ET.SubElement(case, "system-out").text = printable(f"{said}\n{slo.explanation}")
        case Verdict.FAIL:
            _outcome(case, "failure", said, slo.explanation)
        case Verdict.INCONCLUSIVE:
            _outcome(case, "error", f"inconclusive: {said}", slo.explanation)


def _said(slo: SloResult) -> str:
    if slo.measured is None:
        return slo.explanation
    bounds = f" ({slo.shown_interval})" if slo.interval else ""
    return f"measured {slo.shown}{bounds}, objective {objective(slo.objective)}"


def _rollback_case(suite: ET.Element, times: FaultTimes) -> None:
    case = _case(suite, "rollback", f"{times.name} ({times.action})")
    if times.verified:
        return
    if times.verified is False:
        _outcome(case, "failure", times.error or "not everything is as it was before")
    elif times.revert_called_at is not None:
        _outcome(case, "error", times.error or "the rollback was called but not verified")
    elif times.inject_called_at is None:
        _outcome(case, "skipped", times.error or "the fault was never injected")
    else:
        _outcome(case, "skipped", times.error or "this action has nothing to undo")


def _case(suite: ET.Element, group: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=group, name=printable(name))


def _outcome(case: ET.Element, kind: str, message: str, text: str = "") -> None:
    ET.SubElement(case, kind, message=printable(message)).text = printable(text or message)
