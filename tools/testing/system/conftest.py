# SPDX-License-Identifier: GPL-2.0
"""A last line that `run` reads, and what helps to understand a failed test."""

import subprocess

import pytest

verdicts = {}


def pytest_runtest_logreport(report):
    if report.failed:
        verdicts[report.nodeid] = "failed"
    elif report.skipped:
        verdicts.setdefault(report.nodeid, "skipped")
    elif report.when == "call":
        verdicts.setdefault(report.nodeid, "passed")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for command in ("ip -d addr", "networkctl --no-pager", "journalctl -b -n 80 --no-pager -o short-monotonic"):
            text = subprocess.run(command.split(), capture_output=True, text=True).stdout
            report.sections.append((command, text))


def pytest_unconfigure(config):
    count = {name: list(verdicts.values()).count(name) for name in ("passed", "failed", "skipped")}
    print("\nresult: {passed} passed, {failed} failed, {skipped} skipped".format(**count))
