"""Consent through the C interface, and what happens without it: nothing."""
import os
import subprocess
import time

from sandbox import BUILD, need
from suite import Skipped, check, check_equal, test

ON, OFF = ["1", "true", "yes", "on", "TRUE", "Yes", "ON"], ["0", "false", "no", "off", "FALSE", "Off"]
GARBAGE = ["", " ", "2", "enable", "1 ", "true\n", "y"]


def _enabled(box, *arguments, **environment):
    return box.host("--events", 1, *arguments, environment=environment, silent=True)["enabled"]


def _check(box, expected, what, *arguments, **environment):
    check_equal(expected, _enabled(box, *arguments, **environment), what)


@test("consent/do-not-track", "A4")
def do_not_track(box):
    """DO_NOT_TRACK set to anything but empty, 0, false, no, off: off, above every opt-in."""
    box.consent()
    for value in ["1", "true", "yes", "2", "please", "  ", "00", "n"]:
        _check(box, False, f"DO_NOT_TRACK={value!r}", DO_NOT_TRACK=value, MYTOOL_TELEMETRY_ENABLED="1")
    for value in ["", *OFF]:
        _check(box, True, f"DO_NOT_TRACK={value!r}", DO_NOT_TRACK=value)


@test("consent/no-telemetry-variable", "A5")
def kill_switch(box):
    """MYTOOL_NO_TELEMETRY switches off, and no value of it switches on."""
    for value in [*ON, "2", "enable", "1 ", " 1", "true\n", "y", "t", "disable", " o ff"]:
        _check(box, False, f"MYTOOL_NO_TELEMETRY={value!r}", MYTOOL_NO_TELEMETRY=value, MYTOOL_TELEMETRY_ENABLED="1")
    for value in [*OFF, "", " ", "\t0 "]:
        _check(box, False, f"MYTOOL_NO_TELEMETRY={value!r} alone", MYTOOL_NO_TELEMETRY=value)
        _check(box, True, f"MYTOOL_NO_TELEMETRY={value!r} falls through", MYTOOL_NO_TELEMETRY=value, MYTOOL_TELEMETRY_ENABLED="1")


@test("consent/enabled-variable", "A6")
def two_way(box):
    """MYTOOL_TELEMETRY_ENABLED switches on, off, and off when it is malformed."""
    for value in ON:
        _check(box, True, f"MYTOOL_TELEMETRY_ENABLED={value!r}", MYTOOL_TELEMETRY_ENABLED=value)
    box.consent()
    for value in OFF + GARBAGE[1:]:
        _check(box, False, f"MYTOOL_TELEMETRY_ENABLED={value!r}", MYTOOL_TELEMETRY_ENABLED=value)


@test("consent/preference", "A8")
def preference(box):
    """The preference file decides; garbage, a directory or a foreign owner mean off."""
    _check(box, False, "no file")
    box.preference("true\n")
    _check(box, True, "true")
    box.preference("false\n")
    _check(box, False, "false")
    _check(box, True, "A6 above A8", MYTOOL_TELEMETRY_ENABLED="1")
    for text in ["", "\n", "maybe\n", "true false\n", "true\nfalse\n", b"\0\xff\xfe" * 50, "t" * 100000]:
        box.preference(text)
        _check(box, False, f"garbage {text[:20]!r}")
    path = box.preference("true\n")
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
        _check(box, False, "a foreign owner")
    os.unlink(path)
    os.mkdir(path)
    _check(box, False, "a directory")
    os.rmdir(path)
    os.mkfifo(path, 0o600)
    _check(box, False, "a pipe")


@test("consent/options", "A1 A2 A3")
def options(box):
    """The author's gate and --no-telemetry beat every opt-in; opt-out waits for the notice."""
    box.consent()
    _check(box, True, "consent given")
    _check(box, False, "gate closed", "--gate-closed", MYTOOL_TELEMETRY_ENABLED="1")
    _check(box, False, "--no-telemetry", "--no-telemetry", MYTOOL_TELEMETRY_ENABLED="1")
    box.preference("false\n")
    _check(box, False, "opt-out, but the user said no", "--opt-out")


@test("consent/opt-out-before-notice", "A1 A17")
def opt_out(box):
    """An opt-out tool records nothing and creates nothing before the notice was shown."""
    _check(box, False, "notice not shown", "--opt-out")
    check_equal(["report.json"], box.files(), "files")


@test("consent/ci", "A11")
def ci(box):
    """CI=false is not CI; in CI an explicit yes still counts."""
    _check(box, False, "CI alone", CI="true")
    _check(box, True, "CI and A6", CI="true", MYTOOL_TELEMETRY_ENABLED="1")
    box.consent()
    _check(box, True, "CI=false", CI="false")
    _check(box, True, "CI and an explicit preference", CI="true")


def _traced(box, *arguments, **environment):
    """Runs the host under strace; lines of calls on files, sockets and processes."""
    need("strace")
    box.run("host", "--report", box.path("report.json"), "--events", 100, "--flush", 200, "--close", 200, *arguments,
            environment=environment, silent=True, wrapper=["strace", "-f", "-qq", "-o", box.path("trace"), "-e",
                                                           "trace=network,%file,%process,inotify_init1,memfd_create"])
    with open(box.path("trace")) as file:
        return file.read().splitlines()


def _check_silent(box, trace, allowed=()):
    own = (box.path("report.json"), *allowed)
    for line in trace:
        check("socket(" not in line and "connect(" not in line, f"a socket: {line}")
        check("libcurl" not in line, f"libcurl: {line}")
        check("fork(" not in line and "clone" not in line, f"a thread or process: {line}")
        made = "O_CREAT" in line or "mkdir" in line or "rename" in line or "memfd_create" in line or "mknod" in line
        check(not made or any(path in line for path in own), f"a file: {line}")


@test("consent/zero-by-default", "A1")
def zero_by_default(box):
    """No consent: no file is created, no socket opened, no thread started, no library loaded (strace)."""
    _check_silent(box, _traced(box, "--backend", "http:http://127.0.0.1:9/"))
    check_equal(["report.json", "trace"], box.files(), "files")


@test("consent/zero-when-refused", "A4 A5 A3 A8")
def zero_when_refused(box):
    """Refused in any way, over an enabled preference: nothing is created, opened or loaded (strace)."""
    box.consent()
    before = box.files()
    cases = [((), {"DO_NOT_TRACK": "1"}), ((), {"MYTOOL_NO_TELEMETRY": "1"}), ((), {"MYTOOL_TELEMETRY_ENABLED": "0"}),
             (("--no-telemetry",), {}), (("--gate-closed",), {})]
    for arguments, environment in cases:
        _check_silent(box, _traced(box, "--backend", "http:http://127.0.0.1:9/", *arguments, **environment))
        check_equal(sorted({*before, "report.json", "trace"}), box.files(), f"files with {arguments} {environment}")


@test("consent/no-network-for-files", "A7 libraries")
def no_network(box):
    """With the file backend no socket is opened and libcurl is not loaded (strace)."""
    box.consent()
    trace = _traced(box)
    check(len(box.log()) == 100, "the log did not grow")
    check(not any("socket(" in line or "libcurl" in line for line in trace), "a socket or libcurl")


@test("consent/curl-at-first-send", "libraries")
def curl_at_first_send(box):
    """The trace sees libcurl and sockets when there is consent: the checks above can fail."""
    box.consent()
    trace = _traced(box, "--backend", "http:http://127.0.0.1:9/")
    check(any("libcurl" in line for line in trace), "libcurl was not loaded")
    check(any("connect(" in line for line in trace), "nothing connected")
    os.remove(box.path("trace"))
    box.run("host", "--backend", "http:http://127.0.0.1:9/", "--events", 10, wrapper=[
        "strace", "-f", "-qq", "-o", box.path("trace"), "-e", "trace=%file"])
    with open(box.path("trace")) as file:
        check("libcurl" not in file.read(), "libcurl was loaded though nothing was sent")


@test("consent/withdrawn-while-running", "A18 E12")
def withdrawn_while_running(box):
    """A running process notices `telemetry disable` within a second, and nothing further leaves."""
    helper = os.path.join(BUILD, "bin", "telemetry")
    if not os.path.exists(helper):
        raise Skipped(f"needs {helper}")
    box.consent()
    child = box.start("host", "--events", 4000, "--pause-us", 1000, "--interval", 10, "--flush", 1000, "--report",
                      box.path("report.json"))
    deadline = time.monotonic() + 10
    while len(box.log()) < 100:
        check(time.monotonic() < deadline, "the log does not grow")
        time.sleep(0.02)
    done = subprocess.run([helper, "--tool", "mytool", "disable"], env=box.environment, cwd=box.root, capture_output=True, text=True)
    check(done.returncode == 0, f"disable: {done.stderr}")
    time.sleep(1.0)
    size = os.path.getsize(box.path("events.jsonl"))
    time.sleep(0.5)
    check(child.poll() is None, "the host ended too early for this test")
    check_equal(size, os.path.getsize(box.path("events.jsonl")), "size of the log one second after")
    check_equal(0, child.wait(60), "exit code")
    check_equal(size, os.path.getsize(box.path("events.jsonl")), "size of the log at the end")
    check(not [name for name in box.files("state") if name.endswith(".seg") and _holds_events(box.path(name))],
          "the spool was not erased")


def _holds_events(path):
    with open(path, "rb") as file:
        return b"test.event" in file.read()
