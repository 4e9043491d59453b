"""What machine_id is, on the wire and across processes."""
import json
import os
import re
import subprocess
import time

from stage import BUILD, TOOL, output
from suite import check, check_equal, test


def sent(stage, receiver, *options, **more):
    """The machine_id that a program with these options sends."""
    stage.send(f"endpoint={receiver.url}", *options, "track=1", "close=5000", **more)
    return receiver.accepted()[-1].get("machine_id", "")


@test("identity/kinds", "D1 D2 D3 D4")
def kinds(stage):
    """Each kind has its form, stays what it is from run to run, and leaves only its own file."""
    receiver = stage.receiver()
    # In the order of telemetry_identity: salted, none, random, hashed.
    forms = [r"[0-9a-f]{32}", r"", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", r"[0-9a-f]{16}"]
    files = [{"salt", "machine-id"}, set(), {"uuid"}, {"hashed-id"}]
    for kind, form in enumerate(forms):
        first = sent(stage, receiver, f"identity={kind}")
        check(re.fullmatch(form, first), f"kind {kind}: {first!r}")
        check_equal(first, sent(stage, receiver, f"identity={kind}"), f"second id of kind {kind}")
        left = {"salt", "machine-id", "uuid", "hashed-id", "past-ids"} & set(os.listdir(stage.spool))
        check_equal(files[kind], left, f"files of kind {kind}")
        for name in left:
            check_equal(0o600, os.stat(os.path.join(stage.spool, name)).st_mode & 0o777, name)
            os.unlink(os.path.join(stage.spool, name))


@test("identity/hashed", "D1")
def hashed(stage):
    """The hashed id is what sha256sum makes of the signals, and they stand in nothing that was sent."""
    receiver = stage.receiver()
    machine_id = ""
    if os.path.exists("/etc/machine-id"):
        with open("/etc/machine-id") as file:
            machine_id = file.read().strip()
    interfaces = []
    for name in os.listdir("/sys/class/net"):
        values = {}
        for each in ("ifindex", "address", "flags"):
            with open(f"/sys/class/net/{name}/{each}") as file:
                values[each] = file.read().strip()
        if not int(values["flags"], 16) & 8 and values["address"].strip("0:"):
            interfaces.append((int(values["ifindex"]), values["address"]))
    address = min(interfaces)[1] if interfaces else ""
    user = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
    signals = [machine_id, address, os.uname().nodename, user]
    digest = subprocess.run(["sha256sum"], input=":".join(signals).encode(), capture_output=True).stdout.decode()
    check_equal(digest[:16], sent(stage, receiver, "identity=3"), "the hashed id")
    bodies = "".join(request["body"] for request in receiver.requests())
    for signal in signals[:3]:
        check(not signal or signal not in bodies, "a raw signal was sent")


@test("identity/ephemeral", "D4")
def ephemeral(stage):
    """In CI, and when the author says so: another id for each process, marked, and nothing stored."""
    receiver = stage.receiver()
    for options, environment in [(["ephemeral=2"], {}), (["ephemeral=0"], {"CI": "true", "ITEST_TELEMETRY_ENABLED": "1"}),
                                 (["ephemeral=0"], {"container": "podman"}), (["identity=2", "ephemeral=2"], {})]:
        seen = {sent(stage, receiver, *options, environment=environment) for _ in range(2)}
        check_equal(2, len(seen), "different ids")
        check(all(re.fullmatch(r"ephemeral-[0-9a-f]{32}", each) for each in seen), f"{seen}")
    check(not {"salt", "machine-id", "uuid"} & set(os.listdir(stage.spool)), f"{os.listdir(stage.spool)}")
    check_equal("", sent(stage, receiver, "identity=1", "ephemeral=2"), "none stays none")


def age(stage, name, days):
    """As if the file had been made so many days ago."""
    path = os.path.join(stage.spool, name)
    os.utime(path, (os.stat(path).st_mtime - days * 86400,) * 2)


@test("identity/rotation", "D3")
def rotation(stage):
    """32 processes at once rotate once; the id before is known to request-deletion only."""
    stage.manifest("http://127.0.0.1:9/", {"identity": {"kind": "random", "rotation_days": 30, "ephemeral": "never"}})
    before = stage.helper("machine-id").strip()
    age(stage, "uuid", 29)
    check_equal(before, stage.helper("machine-id").strip(), "the id after 29 days")
    age(stage, "uuid", 2)
    running = [subprocess.Popen([f"{BUILD}/bin/telemetry", "machine-id", "--json", "--tool", TOOL], env=stage.environment,
                                stdout=subprocess.PIPE, text=True) for _ in range(32)]
    answers = [json.loads(output(each)[0]) for each in running]
    after = stage.helper("machine-id").strip()
    check(after != before, "the id did not change")
    check({each["machine_id"] for each in answers} <= {before, after}, f"{answers}")
    with open(os.path.join(stage.spool, "past-ids")) as file:
        check_equal([before], [line.split()[0] for line in file], "past ids")
    check_equal(("random", False, 1), tuple(json.loads(stage.helper("machine-id", "--json"))[name] for name in ("kind", "ephemeral", "past")),
                "kind, ephemeral and past")
    for shown in (stage.helper("show"), stage.helper("status"), stage.helper("machine-id")):
        check(before not in shown, "the past id was shown")


@test("identity/living", "D3")
def living(stage):
    """A process that lives through a rotation goes on with the new id."""
    receiver = stage.receiver()
    first = sent(stage, receiver, "rotation=1")
    # It will be a day old in three seconds, when the process has begun.
    os.utime(os.path.join(stage.spool, "salt"), (time.time() - 86397,) * 2)
    stage.send(f"endpoint={receiver.url}", "rotation=1", "track=1", "flush=5000", "sleep=3500", "track=1", "flush=5000", "close=5000")
    [_, second, third] = [event["machine_id"] for event in receiver.accepted()]
    # Another time of change makes no other id.
    check_equal(first, second, "id before the rotation")
    check(third != first, "the id did not change")
    with open(os.path.join(stage.spool, "past-ids")) as file:
        check_equal([first], [line.split()[0] for line in file], "past ids")
