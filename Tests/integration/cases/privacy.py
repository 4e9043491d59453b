"""Secrets: a header's value goes to the receiver and nowhere else."""
import os
import subprocess

from stage import BUILD, TOOL, wait_until
from suite import check, check_equal, test

CANARY = "canary-3f9c1e77"


def files_with(root, needle):
    """Those whose content or name has it."""
    found = []
    for directory, _, names in os.walk(root):
        for name in names:
            with open(os.path.join(directory, name), "rb") as file:
                if needle.encode() in file.read() or needle in name:
                    found.append(name)
    return found


def command_lines():
    lines = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                lines.append(file.read().decode("utf-8", "replace").replace("\0", " "))
        except OSError:
            pass
    return lines


@test("privacy/header", "C7 E6")
def header(stage):
    """A header's value is in no status, error, file or command line."""
    receiver = stage.receiver("/hang")
    stage.manifest(receiver.url + "?key=" + CANARY, headers={"Authorization": "Bearer " + CANARY}, timeout_ms=2000)
    stage.helper("track", "x")
    wait_until(lambda: receiver.requests(), "the request has arrived")
    check(CANARY in str(receiver.requests()[0]["headers"]), "the receiver has not got the header")
    lines = command_lines()
    check(any("telemetry deliver" in line for line in lines), "no delivery is to be seen")
    check(not [line for line in lines if CANARY in line], "it is on a command line")
    wait_until(lambda: not stage.processes(), "the delivery has given up")
    texts = [stage.helper("status"), stage.helper("status", "--json"), stage.helper("show"), stage.helper("show", "--json")]
    check("http: POST " in texts[0] and "last error" in texts[0], f"status says {texts[0]}")
    check(not [text for text in texts if CANARY in text], "it is in what the helper shows")
    check(os.path.exists(os.path.join(stage.spool, "control")) and stage.status()["spool"]["bytes"] > 0, "there is no spool")
    check_equal([], files_with(stage.spool, CANARY), "files of the spool that hold it")


@test("privacy/errors", "C7")
def errors(stage):
    """A header's value is in no description of the backend, and in no error about it."""
    receiver = stage.receiver("/status/401")
    done = stage.send(f"endpoint={receiver.url}?key={CANARY}", f"header=X-Key: {CANARY}", "track=1", "info=", "close=2000")
    check("POST" in done["info"] and CANARY not in " ".join(done["info"]), f"the backend is described as {done['info']}")
    stage.expect(1, pending=1)
    for bad in (f"header=X-Key: {CANARY}\n{CANARY}", f"header=Content-Length: {CANARY}", f"header={CANARY}",
                f"header=X-Key: é{CANARY}"):
        done = stage.send(f"endpoint={receiver.url}", bad, "track=0", "close=200")
        check(done["error"], "there is no error")
        check(CANARY not in " ".join(done["error"]), f"it is in the error {done['error']}")
    done = stage.send(f"endpoint=https://user:{CANARY}@host/{CANARY}", "track=0", "close=200")
    check(done["error"] and CANARY not in " ".join(done["error"]), f"it is in the error {done['error']}")


@test("privacy/manifest", "C7")
def manifest(stage):
    """What is wrong with a header in a manifest is said without its value."""
    stage.manifest("http://127.0.0.1:9/", headers={"X-Key": CANARY + "\n"})
    done = subprocess.run([f"{BUILD}/bin/telemetry", "status", "--tool", TOOL], env=stage.environment, capture_output=True, text=True)
    check_equal(3, done.returncode, "exit code")
    check("X-Key" in done.stderr and CANARY not in done.stdout + done.stderr, f"it said {done.stderr}")
