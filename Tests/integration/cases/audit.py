"""What the user is shown is what is sent: before (`show --wire`, `--dry-run`) and after (`show --sent`)."""
import json
import os
import random
import re
import shutil
import subprocess
import time

from stage import BUILD, TOOL, wait_until
from suite import check, check_equal, test

SECRET = "canary-51d07f2a"
VERIFIED = re.compile(r"verified: (\d+) (?:entry|entries), unbroken\n")


def requests_of(text):
    """Splits what `show --wire` prints: (request line, headers, body) of each."""
    found = []
    while text:
        head, text = text.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = [line.split(": ", 1) for line in lines[1:]]
        length = int(dict(headers)["Content-Length"])
        found.append((lines[0], headers, text[:length]))
        text = text[length:]
        check(text.startswith(b"\n"), "no line end behind a body")
        text = text[1:]
    return found


def wire_bytes(stage):
    """As they are: a text would lose its carriage returns."""
    return subprocess.run([f"{BUILD}/bin/telemetry", "show", "--wire", "--tool", TOOL], env=stage.environment,
                          capture_output=True, check=True).stdout


def copies(stage):
    return [json.loads(line) for line in stage.helper("show", "--sent", "--json").splitlines()]


def verified(stage):
    answer = stage.helper("show", "--sent", "--verify")
    check(VERIFIED.fullmatch(answer), f"--verify says {answer}")
    return int(VERIFIED.fullmatch(answer)[1])


@test("audit/wire", "B3")
def wire(stage):
    """`show --wire` prints the requests that are then sent: line, headers and body; credentials are masked."""
    stage.send("endpoint=http://127.0.0.1:9/", "segment=262144", "track=1500", "close=0")
    receiver = stage.receiver()
    stage.manifest(receiver.url + "?key=" + SECRET, headers={"X-Token": SECRET, "X-Empty": ""})
    shown = wire_bytes(stage)
    check(SECRET.encode() not in shown, "a credential is shown")
    shown = requests_of(shown)
    check(len(shown) > 1, "one request only")
    stage.helper("deliver", "--now")
    received = receiver.requests()
    check_equal(len(received), len(shown), "requests")
    for (line, headers, body), request in zip(shown, received):
        check_equal("POST /events?*** HTTP/1.1", line, "request line")
        check_equal(request["body"].encode(), body, "body")
        expected = [[name, "***" if name in ("X-Token", "X-Empty") else value] for name, value in request["headers"]]
        check_equal(sorted(expected), sorted(headers), "headers")
    check_equal("", stage.helper("show", "--wire"), "what waits after the delivery")


@test("audit/wire-file", "B3")
def wire_file(stage):
    """With the file backend, the bytes are those that the log gets; so is --json."""
    stage.send("endpoint=http://127.0.0.1:9/", "track=20", "close=0")
    log = stage.path("log.jsonl")
    directory = stage.path("home", ".local", "share", "telemetry", "tools")
    os.makedirs(directory)
    with open(os.path.join(directory, TOOL + ".yaml"), "w") as file:
        json.dump({"tool": {"name": TOOL}, "backend": {"kind": "file", "path": log}}, file)
    shown = stage.helper("show", "--wire")
    [request] = json.loads(stage.helper("show", "--wire", "--json"))
    check_equal(shown, request["request"], "the same as JSON")
    stage.helper("deliver", "--now")
    with open(log) as file:
        check_equal(file.read(), shown, "the log")


@test("audit/sent", "B3")
def sent(stage):
    """Every event that the receiver accepted has a copy: exactly the event, in order; one entry for a batch."""
    receiver = stage.receiver()
    stage.send(f"endpoint={receiver.url}", "track=300", "flush=5000", "track=5", "close=5000")
    stage.manifest(receiver.url)
    lines = copies(stage)
    check_equal(receiver.accepted(), [line["event"] for line in lines], "events")
    check_equal({"http: POST " + receiver.url}, {line["backend"] for line in lines}, "backends")
    check_equal({"accepted"}, {line["outcome"] for line in lines}, "outcomes")
    check_equal(lines, json.loads(stage.helper("show", "--sent")), "the pretty form")
    entries = verified(stage)
    check(2 <= entries <= 20, f"{entries} entries for 305 events")
    with open(os.path.join(stage.spool, "sent.jsonl")) as file:
        stored = [json.loads(line) for line in file]
    check_equal(receiver.accepted(), [{**entry["context"], **event} for entry in stored for event in entry["events"]], "the log itself")


@test("audit/refused", "B3 E6 E7")
def refused(stage):
    """What no receiver took has no copy; at most once and unanswered, it has one that says so."""
    receiver = stage.receiver("/status/503")
    stage.manifest(receiver.url)
    stage.send(f"endpoint={receiver.url}", "track=3", "close=2000")
    check_equal([], copies(stage), "copies after 503")
    receiver.mode("/hang")
    stage.send(f"endpoint={receiver.url}", "guarantee=most", "timeout=300", "track=2", "close=2000")
    stage.helper("deliver", "--now", expected=None)
    stage.recover(stage.receiver().url)
    outcomes = [line["outcome"] for line in copies(stage)]
    check(set(outcomes) <= {"accepted", "unconfirmed"}, f"outcomes {outcomes}")
    verified(stage)


@test("audit/tampering", "B3")
def tampering(stage):
    """A changed byte is found, named by its line, and ends with code 7."""
    receiver = stage.receiver()
    stage.send(f"endpoint={receiver.url}", *["track=1", "flush=5000"] * 6, "close=5000")
    path = os.path.join(stage.spool, "sent.jsonl")
    with open(path) as file:
        lines = file.readlines()
    lines[4] = lines[4].replace("integration", "integratiox")
    with open(path, "w") as file:
        file.writelines(lines)
    done = subprocess.run([f"{BUILD}/bin/telemetry", "show", "--sent", "--verify", "--tool", TOOL], env=stage.environment,
                          capture_output=True, text=True)
    check_equal((7, ""), (done.returncode, done.stdout), "exit code and output")
    check("sent.jsonl, line 5" in done.stderr, done.stderr)
    answer = json.loads(stage.helper("show", "--sent", "--verify", "--json", expected=7))
    check_equal((False, None, "sent.jsonl", 5), tuple(answer[name] for name in ("unbroken", "entries", "file", "line")), "JSON")
    finding = [each for each in json.loads(stage.helper("doctor", "--offline", "--json", expected=8)) if each["state"] == "problem"]
    check_equal(["audit log"], [each["check"] for each in finding], "what doctor finds")


@test("audit/kill", "B3 E3")
def kill(stage):
    """100 deliverers killed at random moments: the copies stay unbroken, and miss nothing that arrived."""
    receiver = stage.receiver()
    stage.manifest(receiver.url)
    actions = ["track=40", "flush=2000"] * 60
    # On a busy machine it takes more of them until enough was sent.
    for run in range(1, 401):
        child = stage.start(f"endpoint={receiver.url}", *actions)
        time.sleep(random.uniform(0.005, 0.08))
        child.close()
        entries = verified(stage)
        # What arrived and was not answered waits to be sent again: a spool that is full would drop it.
        if run % 20 == 0:
            stage.helper("deliver", "--now")
        if entries > 110 and run >= 100:
            break
    stage.helper("deliver", "--now")
    entries = verified(stage)
    accepted = {event["event_id"] for event in receiver.accepted()}
    kept = [line["event"]["event_id"] for line in copies(stage)]
    first = copies(stage)[0]["seq"]
    check(entries > 100 and len(kept) > 500, f"only {entries} entries with {len(kept)} events")
    check(first > 1 or accepted <= set(kept), f"{len(accepted - set(kept))} of {len(accepted)} events have no copy")
    check_equal([], [name for name in os.listdir(stage.spool) if name.startswith(".sent")], "temporary files of the copies")


@test("audit/dry-run", "B3")
def dry_run(stage):
    """`track --dry-run` makes no file, opens no socket and no log, with consent and without."""
    check(shutil.which("strace"), "strace is missing")
    stage.manifest("https://telemetry.invalid/events")
    for environment in ({}, {"DO_NOT_TRACK": "1"}):
        before = sorted(os.walk(stage.path("home")))
        trace = stage.path("trace")
        done = subprocess.run(
            ["strace", "-f", "-o", trace, "-e", "trace=%file,%network,%process", f"{BUILD}/bin/telemetry", "track", "x", "--dry-run",
             "--tool", TOOL], env={**stage.environment, **environment}, capture_output=True)
        check_equal(0, done.returncode, f"exit code ({done.stderr})")
        [(line, _, body)] = requests_of(done.stdout)
        check_equal(("POST /events HTTP/1.1", "x", ""),
                    (line, json.loads(body)[0]["name"], json.loads(body)[0].get("machine_id", "")), "what is shown")
        check_equal("DO_NOT_TRACK" in environment, b"would not be recorded" in done.stderr, "the word on consent")
        check_equal(before, sorted(os.walk(stage.path("home"))), "files")
        with open(trace) as file:
            calls = file.read()
        check("execve(" in calls, "nothing was traced")
        for forbidden in ("socket(", "connect(", "O_CREAT", "mkdir", "clone", "fork", "libcurl", "unlink", "rename"):
            check(forbidden not in calls, f"it calls {forbidden}")


@test("audit/doctor", "B4")
def doctor(stage):
    """`doctor` asks the receiver without an event, an identifier or a credential, and creates nothing."""
    receiver = stage.receiver()
    stage.manifest(receiver.url, headers={"X-Token": SECRET})
    before = sorted(os.walk(stage.path("home")))
    findings = {each["check"]: each for each in json.loads(stage.helper("doctor", "--json", expected=None))}
    check_equal(before, sorted(os.walk(stage.path("home"))), "files")
    check("endpoint" in findings, f"checks {list(findings)}")
    check(SECRET not in json.dumps(findings), "a credential is shown")
    check_equal([], [request for request in receiver.requests() if request["body"]], "requests with a body")
    check(SECRET not in str(receiver.requests()), "a credential was sent")
    receiver.close()
    findings = {each["check"]: each for each in json.loads(stage.helper("doctor", "--json", expected=8))}
    check_equal("problem", findings["endpoint"]["state"], "a receiver that is gone")
    findings = {each["check"]: each for each in json.loads(stage.helper("doctor", "--json", "--offline"))}
    check("not asked" in findings["endpoint"]["detail"], "what --offline says")


@test("audit/doctor-several", "B4 F")
def doctor_several(stage):
    """Of several backends `doctor` says which one it speaks of: its key, its receiver and its clock."""
    receiver = stage.receiver()
    stage.manifest(None, {"backends": [
        {"kind": "http", "name": "ours", "endpoint": receiver.url},
        {"kind": "http", "name": "theirs", "endpoint": "http://127.0.0.1:9/", "api_key_env": "ITEST_KEY"}]})
    findings = json.loads(stage.helper("doctor", "--json", expected=8))
    named = [(each["check"], each["detail"].split(": ")[0]) for each in findings if each["check"] in ("key", "endpoint", "clock")]
    check_equal([("endpoint", "ours"), ("clock", "ours"), ("key", "theirs"), ("endpoint", "theirs")], named, "what is said of which")
