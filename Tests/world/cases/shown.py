"""What the helper shows: JSON is JSON whatever bytes there are, and nothing that is recorded reaches a terminal raw.

Logs and names are other people's bytes: terminals have been made to run commands by escape sequences in them, and
programs that read JSON stop at the first line that is none."""
import base64
import json
import os

from suite import check, check_equal, test
from world import TOOL

UNSEEN = "\x9b31m", "\u202e", "\x85"


def manifest(world, kind, **backend):
    path = world.path("manifest.json")
    with open(path, "w") as file:
        json.dump({"tool": {"name": TOOL}, "identity": {"ephemeral": "never"}, "backend": {"kind": kind, **backend}}, file)
    return path


@test("shown/wire-base64", "B3")
def wire(world):
    """show --wire --json of a binary body: JSON, and the bytes in base64."""
    path = manifest(world, "otlp", endpoint="http://127.0.0.1:9/v1/logs")
    world.telemetry("track", "zebra", "--property", "size:int=200", "--manifest", path)
    for arguments in (("show", "--wire"), ("track", "zebra", "--property", "size:int=200", "--dry-run")):
        [request] = json.loads(world.telemetry(*arguments, "--json", "--manifest", path).stdout)
        check_equal(["backend", "request", "request_base64"], list(request), "members")
        check_equal(None, request["request"], "text of what is none")
        check(b"zebra" in base64.b64decode(request["request_base64"], validate=True), "the body is in it")
    path = manifest(world, "http", endpoint="http://127.0.0.1:9/events")
    [request] = json.loads(world.telemetry("show", "--wire", "--json", "--manifest", path).stdout)
    check("zebra" in request["request"] and request["request_base64"] is None, f"a text stays one: {request}")


@test("shown/damaged-entry", "B3")
def damaged(world):
    """show --sent of a damaged log: every line is JSON, the damaged one by its text or its bytes."""
    path = manifest(world, "file")
    for name in ("one", "two", "three"):
        world.telemetry("track", name, "--manifest", path)
        world.telemetry("flush", "--manifest", path)
    log = os.path.join(world.spool, "sent.jsonl")
    with open(log, "rb") as file:
        lines = file.read().splitlines()
    check_equal(3, len(lines), "entries")
    for broken in (lines[1][:40], lines[1].replace(b'"two"', b'"\xfftw'), lines[1].replace(b'"two"', b'two'), b"", b"{", b"\x00" * 20, b"[1]",
                   lines[1].replace(b'"events"', b'"e\\vents"'), b"[" * 5000, b'{"a":' * 5000):
        with open(log, "wb") as file:
            file.write(b"\n".join([lines[0], broken, lines[2]]) + b"\n")
        found = [json.loads(line) for line in world.telemetry("show", "--sent", "--json", "--manifest", path).stdout.splitlines()]
        check_equal(["one", "three"], [each["event"]["name"] for each in found if "event" in each], "events of the others")
        if broken:
            [other] = [each for each in found if "event" not in each]
            text = other["damaged"].encode() if other["damaged"] is not None else base64.b64decode(other["damaged_base64"])
            check_equal(broken, text, "the damaged line")
        check_equal(len(found), len(json.loads(world.telemetry("show", "--sent", "--manifest", path).stdout)), "objects of the pretty form")


@test("shown/terminal", "B3")
def terminal(world):
    """Names that a terminal would obey: escaped in JSON for people, byte for byte where bytes are asked for."""
    name = "a" + "b".join(UNSEEN) + "c"
    path = manifest(world, "http", endpoint="http://127.0.0.1:9/")
    world.telemetry("track", name, "--property", f"key={name}", "--manifest", path)
    for arguments in (["show"], ["deliver", "--now"], ["show", "--sent"], ["status"], ["track", name, "--type", name], ["--bad\x9b"], ["--tool", "a\u202e", "status"]):
        if arguments[0] == "deliver":
            path = manifest(world, "file")
        done = world.telemetry(*arguments, "--manifest", path, expected=None)
        for each in UNSEEN:
            check(each[0] not in done.stdout + done.stderr, f"{each[0]!r} is in what {arguments} prints: {done.stdout!r} {done.stderr!r}")
        if arguments in (["show"], ["show", "--sent"]):
            [event] = json.loads(done.stdout)
            check_equal(name, event.get("event", event)["name"], "the name, read as JSON")


SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <telemetry.h>

int main(int count, char **arguments)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_collector *collector = telemetry_open(options);
    printf("%d ", (int)telemetry_track(collector, "feature.used", "a", NULL, 5));
    printf("%d ", (int)telemetry_track(collector, "feature.used", "a", NULL, 0));
    printf("%d ", (int)telemetry_track(collector, "feature.used", "a", NULL, (size_t)-1));
    printf("%d\n", (int)telemetry_options_set_backend_http(options, "http://127.0.0.1:9/", NULL, 5));
    struct rlimit limit = {(rlim_t)(count > 1 ? atoi(arguments[1]) : 64), 64};
    setrlimit(RLIMIT_NOFILE, &limit);
    telemetry_statistics statistics;
    memset(&statistics, 0, sizeof statistics);
    statistics.size = sizeof statistics;
    int status = telemetry_get_statistics(collector, &statistics);
    printf("%d %llu %llu %d\n", status, (unsigned long long)statistics.recorded, (unsigned long long)statistics.adjusted, statistics.storage_errno);
    telemetry_close(collector, 0);
    telemetry_options_free(options);
    return 0;
}
"""


@test("shown/no-attributes", "C9")
def no_attributes(world):
    """Attributes that are counted and not there: the event is recorded, and the call says what is missing."""
    program = world.program("counts", SOURCE)
    first, second = world.run([program]).stdout.splitlines()
    check_equal("10 0 10 -10", first, "what the calls reported")
    check_equal("0 3 2 0", second, "status, recorded, adjusted and errno")


@test("shown/no-descriptors", "E12")
def no_descriptors(world):
    """Statistics without a descriptor to read the spool with: the numbers, or an error; never zeros and ok."""
    program = world.program("counts", SOURCE)
    for limit in range(3, 12):
        status, recorded, _, error = map(int, world.run([program, str(limit)]).stdout.splitlines()[1].split())
        check(status == 0 and recorded % 3 == 0 and recorded > 0 or status == -50 and error == 24, f"with {limit}: status {status}, {recorded} recorded, errno {error}")
