"""A pytest plugin that reports the tests' CPU time: wall time says little on a busy machine.

It counts the test process with all its threads, and child processes once they've exited. Shared fixtures are listed
separately instead of being charged to the test that happened to run first or last.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Generator
from typing import Any

import pytest

PROPERTY = "cpu"


def cpu() -> float:
    """Return CPU seconds used so far by this process and its exited children."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


class Meter:
    """Measures each phase of a test where it runs, and attaches the cost to its report."""

    def __init__(self) -> None:
        self._read_at = self._ended_at = cpu()
        self._shared: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        self._read_at = cpu()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        begun, counted = cpu(), sum(self._shared.values())
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":
                within = sum(self._shared.values()) - counted  # fixtures that this one requested
                self._shared[fixturedef.argname] += cpu() - begun - within

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        self._ended_at = cpu()
        return (yield)

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        now = cpu()
        if fixturedef.scope != "function":
            self._shared[fixturedef.argname] += now - self._ended_at
        self._ended_at = now

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        now, shared = cpu(), self._shared
        costs = {f"fixture `{name}`": seconds for name, seconds in shared.items()}
        costs[f"`{report.nodeid}`"] = now - self._read_at - sum(shared.values())
        self._read_at, self._shared = now, defaultdict(float)
        report.user_properties.append((PROPERTY, costs))
        return report


class Bill:
    """Adds up the costs in the reports, and prints them at the end."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._began = time.monotonic()
        self._tests: set[str] = set()
        self._seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._tests.add(report.nodeid)
        for costs in (value for name, value in report.user_properties if name == PROPERTY):
            for what, seconds in costs.items():  # type: ignore[attr-defined]
                self._seconds[what] += seconds

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        wall = time.monotonic() - self._began
        terminalreporter.section(f"{len(self._tests)} tests took {cpu():.0f} s of CPU and {wall:.0f} s by the clock")
        terminalreporter.write_line("| CPU s | what |\n| --- | --- |")
        for what in sorted(self._seconds, key=self._seconds.__getitem__, reverse=True)[: self._rows]:
            terminalreporter.write_line(f"| {self._seconds[what]:.1f} | {what} |")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--costs", type=int, default=10, metavar="N", help="show the N tests that took the most CPU")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Meter())
    config.pluginmanager.register(Bill(config.getoption("costs")))
