"""The list of tests, and how they are run and reported."""
import subprocess
import sys
import time
import traceback


class Skipped(Exception):
    """The machine cannot show this; the reason is reported, and nothing is counted."""


class Failed(AssertionError):
    """A check did not hold."""


class Test:
    def __init__(self, name, requirement, title, body):
        self.name, self.requirement, self.title, self.body = name, requirement, title, body

    def __str__(self):
        return f"{self.name} [{self.requirement}] {self.title}"


_tests = []


def test(name, requirement):
    """Registers a scenario, a function of a Sandbox; its docstring's first line is the title."""
    def register(function):
        _tests.append(Test(name, requirement, function.__doc__.strip().splitlines()[0].rstrip("."), function))
        return function
    return register


def scenarios():
    return list(_tests)


def check(condition, message):
    if not condition:
        raise Failed(message if len(message) < 1500 else f"{message[:1000]} ... {message[-400:]}")


def check_equal(expected, actual, what):
    check(expected == actual, f"{what}: expected {expected!r}, got {actual!r}")


def check_identity(report):
    """E12: nothing is unaccounted for."""
    total = report["delivered"] + report["pending"] + report["dropped"]
    check(report["recorded"] == total, f"recorded {report['recorded']} is not delivered + pending + dropped: {report}")
    reasons = sum(count for name, count in report.items() if name.startswith("dropped_"))
    check(report["dropped"] == reasons, f"dropped is not the sum of its reasons: {report}")


def _failure(error):
    if isinstance(error, Failed):
        return str(error)
    if isinstance(error, subprocess.TimeoutExpired):
        command = error.cmd if isinstance(error.cmd, str) else " ".join(map(str, error.cmd))
        return f"not done after {error.timeout} s: {command}"
    return "".join(traceback.format_exception_only(type(error), error)) + \
        "".join(traceback.format_tb(error.__traceback__)[-2:])


def run(tests, new_sandbox, verbose=False):
    """Runs each test in a sandbox of its own. Returns the exit code."""
    passed = failed = 0
    for each in tests:
        start, note, outcome = time.monotonic(), None, "ok"
        with new_sandbox() as sandbox:
            try:
                note = each.body(sandbox)
            except Skipped as reason:
                outcome, note = "skipped", str(reason)
            except Exception as error:  # a broken test is a failed test
                outcome, note = "not ok", _failure(error)
        passed += outcome == "ok"
        failed += outcome == "not ok"
        took = f" ({time.monotonic() - start:.1f} s)" if verbose else ""
        print(f"{outcome} - {each}{took}", flush=True)
        if note:
            for line in str(note).strip().splitlines():
                print(f"    {line}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.stdout.flush()
    return 1 if failed else 0
