"""The table of CPU time at the end of a test run."""

from __future__ import annotations

import re

import pytest

OPTIONS = ("-p", "tests.costs", "--costs=2", "-o", "asyncio_default_fixture_loop_scope=function")
TESTS = """
import subprocess, sys, time
import pytest

BURN = "import time\\nwhile time.process_time() < {}: pass"

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

@pytest.fixture(scope="session")
def shared():
    burn(0.1)
    yield
    burn(0.1)

def test_cheap(shared):
    pass

@pytest.mark.parametrize("number", [1])
def test_dear(shared, number):
    burn(0.2)
    subprocess.run([sys.executable, "-c", BURN.format(0.2)], check=True)
"""


def test_the_table_shows_the_cpu_time_of_each_test_and_of_shared_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_fire=TESTS)

    shown = pytester.runpytest_inprocess(*OPTIONS).stdout.str()

    taken = {what: float(seconds) for seconds, what in re.findall(r"^\| (\d+\.\d) \| (.+) \|$", shown, re.MULTILINE)}
    assert list(taken) == ["`test_fire.py::test_dear[1]`", "fixture `shared`"]
    assert taken["`test_fire.py::test_dear[1]`"] >= 0.4
    assert taken["fixture `shared`"] >= 0.2
    assert "2 tests took" in shown
