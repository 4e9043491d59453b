"""F: a key, however it was given, is in the one place where it belongs: the request's header."""
import glob
import os

import fixture
from cases.canaries import ProcessList, check_absent, check_control, shown
from suite import check, check_equal, test

KEY = "canary-api-key-Zq8x"
OTHER = "canary-header-value-Wm3k"


def places(box):
    """Everything that is kept, and everything that the helper says."""
    found = fixture.files_below(box.state())
    commands = [["status"], ["status", "--json"], ["doctor", "--offline"], ["explain"], ["show"], ["show", "--wire"], ["show", "--wire", "--json"],
                ["show", "--sent"], ["export"], ["export", "--json"], ["flush", "--json"], ["request-deletion", "--list"]]
    for command in commands:
        done = box.execute(box.command(*command))
        found[" ".join(command)] = done.stdout + done.stderr
    return found


def journey(box, settings, environment, path="/status/200"):
    """Records, fails or delivers, and looks everywhere."""
    with fixture.receiver(box) as port:
        endpoint = f"http://127.0.0.1:{port}{path}"
        box.write("mytool.yaml", "\n".join([
            "tool: {name: mytool}", "identity: {ephemeral: never}", "delivery: {mode: in-process}",
            f"backend: {{kind: http, endpoint: '{endpoint}?token={OTHER}', headers: {{X-Other: {OTHER}}}, {settings}}}"]) + "\n")
        box.environment.update(environment)
        box.telemetry_enable()
        with ProcessList(box.programs.path("telemetry")) as processes:
            log = box.path("log")
            box.use("--events", 3, "--flush", 5000, "--log", log)
            box.execute(box.command("track", "hello"))
            box.execute(box.command("deliver", "--now"))
        kept = places(box)
        with open(log, "rb") as file:
            kept["what the program is told"] = file.read()
        check_control({"what the program is told": kept["what the program is told"]}, "is on, decided by")
        with open(box.path("wire.jsonl"), "rb") as file:
            wire = file.read()
        check_absent({"key": KEY, "header": OTHER}, {name: text for name, text in kept.items() if name != "mytool.yaml"})
        check_absent({"key": KEY}, {"a command line": b"\n".join(processes.lines)})
        return wire


@test("secrets/value", "F")
def value(box):
    """A key that stands in the manifest: in the request and nowhere else."""
    wire = journey(box, f"api_key: {KEY}", {})
    check_control({"the wire": wire}, f"Bearer {KEY}")


@test("secrets/environment", "F")
def environment(box):
    """A key from the environment: in the request and nowhere else."""
    wire = journey(box, "api_key_env: MYTOOL_KEY, api_key_header: X-Api-Key", {"MYTOOL_KEY": KEY})
    check_control({"the wire": wire}, KEY)


@test("secrets/file", "F")
def file(box):
    """A key from a file, read again for each request: in the request and nowhere else."""
    path = box.write("key", KEY + "\n")
    wire = journey(box, f"api_key_file: {os.path.abspath(path)}", {})
    check_control({"the wire": wire}, f"Bearer {KEY}")


@test("secrets/refused", "F")
def refused(box):
    """A receiver that refuses, fails, or repeats the key in its answer: the same, in every error."""
    for path in ["/status/401", "/status/500", "/reset"]:
        wire = journey(box, f"api_key: {KEY}", {}, path)
        check_control({"the wire": wire}, KEY)


@test("secrets/missing", "F E6")
def missing(box):
    """Without its key nothing is sent, the events are kept, and status and doctor name what is missing."""
    wire = journey(box, "api_key_env: MYTOOL_KEY", {})
    check_equal(b"", wire, "what was sent")
    status = box.status()
    check_equal(6, status["events"]["pending"], "pending: three events, two commands, and the helper's own")
    check("the environment variable MYTOOL_KEY is not set" in status["last_delivery"]["last_error"], str(status["last_delivery"]))
    check(b"MYTOOL_KEY is not set" in box.execute(box.command("doctor", "--offline")).stdout, "doctor")
