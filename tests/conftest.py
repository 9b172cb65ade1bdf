"""Rules for all tests: nothing is skipped in silence, and no claim is about time."""

import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine takes its time, and that says nothing about the program.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("patient"), max_examples=2000)
# On the build machine Hypothesis' own "ci": as patient, and the same examples each time.
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "patient"))

_WITH_REAL_PROGRAMS = ("bus", "desktop", "lab", "netns")

# Whoever starts the tests in the background has SIGINT ignored, and so would have the programs we interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

EXCUSE = "hardware: "  # how the reason of an admissible skip begins; it names what the machine lacks


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """tests/package is run where it is named: `make test-package` builds what these tests need."""
    return (collection_path.name == "package" and not any("tests/package" in word for word in config.args)) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On the build machine, what plays with real programs may try twice; the summary names each that needed it."""
    for item in items if "CI" in os.environ else []:
        if item.path.parent.name in _WITH_REAL_PROGRAMS:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test has failed, unless the machine lacks the hardware."""
    report = yield
    _fail_when_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for whole modules."""
    report = yield
    _fail_when_skipped(report)
    return report


def _fail_when_skipped(report: Any) -> None:
    if report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith(EXCUSE):
            report.outcome = "failed"
            report.longrepr = f"{reason}\nOnly missing hardware excuses a skip; `make test` brings all else."
