"""What a receiver must never learn is in no byte that waits, leaves, is kept or can be seen by others."""
import base64
import os
import subprocess
import threading
import time

import fixture
from suite import check, check_equal, test

ARGUMENT = "canary-argument-e8d1"
ERROR = "canary-error-text-44b7"
SECRET = "ghp_c4naryS3cr3tPr0pertyV4lue0123456789"
CONTROL = "visible-control"
HEADER = "canary-header-key-6a6a"


def machine_traits():
    """Raw signals of the machine and its user, in every form in which they might leave."""
    found = {"machine-id": fixture.MACHINE_ID, "machine-id, raw": bytes.fromhex(fixture.MACHINE_ID), "host name": fixture.HOST_NAME,
             "user name": fixture.USER_NAME, "home": fixture.HOME_NAME}
    for address in fixture.hardware_addresses():
        found[f"MAC {address}"] = address
        found[f"MAC {address}, bare"] = address.replace(":", "")
        found[f"MAC {address}, raw"] = bytes.fromhex(address.replace(":", ""))
    return found


def salts(box):
    """Every secret of the identity, in the forms in which it might leave."""
    found = {}
    for name, content in fixture.files_below(box.state()).items():
        if name == "salt":
            check_equal(32, len(content), "length of the salt")
            found.update({"salt": content, "salt as hex": content.hex(), "salt as HEX": content.hex().upper(),
                          "salt as base64": base64.b64encode(content), "salt as base64url": base64.urlsafe_b64encode(content).rstrip(b"=")})
    check(found, "no salt")
    return found


def forms(text):
    text = text if isinstance(text, bytes) else text.encode()
    return {text, text.lower(), text.upper(), text.replace(b"/", b"\\/")}


def check_absent(canaries, places):
    for where, content in places.items():
        for what, text in canaries.items():
            check(not any(form in content for form in forms(text)), f"the {what} is in {where}")


def check_control(places, text=CONTROL):
    """The same search finds what is meant to be there."""
    for where, content in places.items():
        check(text.encode() in content, f"the control is not in {where}: {content[:200]}")


def record(box):
    """What the program is told about it, and asks."""
    log = box.path("log")
    box.use("--events", 5, "--argument", ARGUMENT, "--error", ERROR, "--secret", SECRET, "--log", log)
    with open(log, "rb") as file:
        return {"what the program is told": file.read()}


def record_with_helper(box):
    """The helper delivers what it records, and what waits, when delivery is in-process."""
    box.telemetry("command", "deploy", "--duration-ms", "3", "--exit-code", "1", "--property", f"note={SECRET}")
    box.telemetry("command", "--", "sh", "-c", f"true {ARGUMENT}")
    box.telemetry("flush")


def waiting(box):
    """The files in which events wait, without those that are meant to stay: the salt."""
    return {name: content for name, content in fixture.files_below(box.state()).items() if name != "salt"}


def shown(box, *commands):
    return {f"telemetry {' '.join(command)}": box.telemetry(*command).encode() for command in commands}


def journey(box, extended, kind="http", identity=""):
    """Records, looks at what waits, delivers, looks at what left and what is kept."""
    canaries = {**machine_traits(), "property": SECRET}
    if not extended:
        canaries.update(argument=ARGUMENT, error=ERROR)
    with fixture.receiver(box) as port:
        box.manifest("delivery: {mode: in-process, flush_interval_ms: 3600000}", f"extended_collection: {str(extended).lower()}",
                     port=port, kind=kind, identity=identity)
        box.telemetry_enable()
        told = record(box)
        if not identity:
            canaries.update(salts(box))
        check_control(told, "is refused")
        check_absent({name: text for name, text in canaries.items() if name != "home"}, told)
        events = shown(box, ["show"], ["show", "--json"], ["show", "--wire"])
        check_control(events)
        segments = {name: content for name, content in waiting(box).items() if name.endswith(".seg")}
        check_absent(canaries, {**events, **waiting(box)})
        check(any(CONTROL.encode() in content for content in segments.values()), "no event waits in a segment")
        record_with_helper(box)
        kept = {name: content for name, content in waiting(box).items() if name in ("sent.jsonl", "events.jsonl")}
        kept.update(shown(box, ["show", "--sent"]))
        if kind == "http":
            with open(box.path("wire.jsonl"), "rb") as file:
                kept["the wire"] = file.read()
        else:
            check("events.jsonl" in kept, "no log")
        check("sent.jsonl" in kept, "no audit log")
        check_control(kept)
        check_absent(canaries, {**kept, **waiting(box)})
        about = shown(box, ["status"], ["status", "--json"], ["explain"], ["explain", "--json"], ["machine-id", "--json"])
        del canaries["home"]
        check_absent(canaries, about)
        check_control(about, "mytool")
    return kept


@test("canaries/http", "D2 C6 C7")
def http(box):
    """Extended off, HTTP: no trait of machine or user, argument, error text, secret or salt waits, leaves or is kept."""
    journey(box, extended=False)


@test("canaries/file", "D2 C6 C7")
def file(box):
    """Extended off, the local log: the same."""
    journey(box, extended=False, kind="file")


@test("canaries/hashed", "D1 D2")
def hashed(box):
    """With the identity derived from the machine's traits: none of them is to be seen."""
    journey(box, extended=False, identity="kind: hashed")


@test("canaries/extended", "C6 C7")
def extended(box):
    """Extended on: arguments and errors are there, a secret in a property is not."""
    kept = journey(box, extended=True)
    check_control({"the wire": kept["the wire"]}, ARGUMENT)
    check_control({"the wire": kept["the wire"]}, ERROR)


@test("canaries/extended-redacted", "C7")
def extended_redacted(box):
    """Extended on: secrets and the home path in arguments and error texts do not leave."""
    with fixture.receiver(box) as port:
        box.manifest("extended_collection: true", port=port)
        box.telemetry_enable()
        error = f"cannot open {box.environment['HOME']}/notes: Authorization: Bearer {SECRET}"
        box.use("--argument", f"--password={SECRET}", "--error", error, "--flush", 5000)
        with open(box.path("wire.jsonl"), "rb") as file:
            wire = {"the wire": file.read()}
        check_control(wire)
        check_control(wire, "cannot open")
        check_absent({"secret": SECRET, **machine_traits()}, {**wire, **waiting(box)})


@test("canaries/control", "D2")
def control(box):
    """The search finds each canary in a file that holds them."""
    for what, text in {**machine_traits(), "secret": SECRET}.items():
        raw = text if isinstance(text, bytes) else text.encode()
        try:
            check_absent({what: text}, {"a file": b"\0\1" + raw.upper() + b"\2"} if raw.isascii() else {"a file": b"\0" + raw})
        except AssertionError:
            continue
        check(False, f"the {what} would not be found")
    check(fixture.hardware_addresses(), "this machine has no MAC address")
    check_equal(fixture.HOST_NAME, os.uname().nodename, "host name")


class ProcessList(threading.Thread):
    """Samples /proc: command lines and environments of the helper's processes."""

    def __init__(self, program):
        super().__init__(daemon=True)
        self.program, self.ended = os.path.realpath(program), False
        self.lines, self.environments = set(), set()

    def run(self):
        while not self.ended:
            for number in filter(str.isdigit, os.listdir("/proc")):
                try:
                    if os.readlink(f"/proc/{number}/exe") == self.program:
                        self.lines.add(read(f"/proc/{number}/cmdline"))
                        self.environments.add(read(f"/proc/{number}/environ"))
                except OSError:
                    continue

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.join()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def wait_for_deliverer(box, processes):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if any(b"\0deliver" in line for line in processes.lines):
            return
        time.sleep(0.01)
    check(False, f"no deliverer was seen: {processes.lines}")


@test("canaries/process-list", "B C6 D2")
def process_list(box):
    """Properties from standard input, header values and the salt are in no process's command line or environment."""
    with fixture.receiver(box) as port:
        box.manifest("delivery: {mode: detached}", port=port, path="/hang")
        with open(box.path("mytool.yaml")) as file:
            text = file.read().replace('/hang"}', f'/hang", headers: {{X-Api-Key: {HEADER}}}, timeout_ms: 1500}}')
        box.write("mytool.yaml", text)
        box.telemetry_enable()
        with ProcessList(box.programs.path("telemetry")) as processes:
            box.environment["CONTROL_VARIABLE"] = CONTROL
            for _ in range(5):
                done = subprocess.run(box.command("track", "build", "--properties", "-"), input=f"note={ERROR}\nkey={SECRET}\n".encode(),
                                      cwd=box.root, env=box.environment, capture_output=True, timeout=20)
                check_equal(0, done.returncode, "exit code of track")
            wait_for_deliverer(box, processes)
            time.sleep(0.3)
        places = {"a command line": b"\n".join(processes.lines), "an environment": b"\n".join(processes.environments)}
        check_control({"a command line": places["a command line"]}, "track")
        check_control({"an environment": places["an environment"]})
        canaries = {"property": ERROR, "secret": SECRET, "header": HEADER, "machine-id": fixture.MACHINE_ID, **salts(box)}
        check_absent(canaries, places)
        box.telemetry("disable")
