"""H13, storage: spans that last meet a full disk, a limit on the size of files, a standard output that takes nothing, and the limits of a span."""
import json
import os
import subprocess

from driving import ADJUSTED, OK, ROOT, Attribute, Driver, found, helper, log_lines, spool
from suite import check, check_equal, test
from test_delivery import PushReceiver
from world import BUILD, TOOL, limited

LONG = "e" * 200


def begun(world, *arguments, **options):
    return helper(world, "span", "begin", "--name", "lasts", *arguments, **options).stdout.strip()


def on_small_disk(world):
    """A disk on which nothing waits; what is delivered goes elsewhere."""
    disk = world.small_disk("disk", 512)
    world.environment["XDG_STATE_HOME"] = disk
    world.manifest("", {"backends": [{"kind": "file", "path": world.path("log.jsonl")}]})
    return disk


def delivered(world):
    helper(world, "deliver", "--now")
    path = world.path("log-spans.jsonl")
    if not os.path.exists(path):
        return log_lines(world)
    with open(path) as file:
        return [json.loads(line) for line in file]


def waiting_files(world):
    directory = world.path("disk", "telemetry", TOOL, "spans")
    directory = directory if os.path.isdir(directory) else spool(world)
    return sorted(name[16:] for name in os.listdir(directory) if name[16:] in (".span", ".seg", ".open"))


def events_until_full(world, span, **options):
    """Events of which each says whether it was recorded; how many were, and how many were not."""
    recorded = lost = 0
    for number in range(60):
        done = helper(world, "span", "event", span, "--name", LONG, "--json", **options)
        said = json.loads(done.stdout)["status"]
        check(said in ("ok", "dropped"), f"event {number}: {said}")
        check_equal(said == "dropped", "not recorded" in done.stderr, f"event {number}: {done.stderr}")
        recorded += said == "ok"
        lost += said == "dropped"
    check(recorded > 5 and lost > 5, f"{recorded} recorded, {lost} not")
    check_equal("", helper(world, "span", "event", span, "--name", LONG, "--quiet", **options).stderr, "error output with --quiet")
    return recorded, lost + 1


@test("lasting/full-disk-event", "storage H13")
def full_disk_event(world):
    """An event that finds no room on a full disk: the command says so, the span counts it, and has everything else."""
    disk = on_small_disk(world)
    span = begun(world, "--attribute", "a=b")
    world.fill(disk)
    recorded, lost = events_until_full(world, span)
    os.remove(os.path.join(disk, "fill"))
    check_equal(0, helper(world, "span", "event", span, "--name", "later").returncode, "an event when there is room again")
    helper(world, "span", "end", span, "--status", "ok")
    each = only_line(delivered(world))
    check_equal((recorded + 1, lost, {"a": "b"}, "ok"), (len(each["events"]), each["dropped_events_count"], each["attributes"], each["status"]), "the span")
    return f"{recorded} events recorded, {lost} counted as dropped"


@test("lasting/full-disk-attributes", "storage H13")
def full_disk_attributes(world):
    """The attributes of an event that do not fit are counted in it."""
    disk = on_small_disk(world)
    span = begun(world)
    world.fill(disk)
    done = helper(world, "span", "event", span, "--name", "e", "--json", *[f"--attribute=k{i}={'x' * 1000}" for i in range(6)])
    check_equal("adjusted", json.loads(done.stdout)["status"], "status")
    os.remove(os.path.join(disk, "fill"))
    helper(world, "span", "end", span)
    event, = only_line(delivered(world))["events"]
    check_equal((6, "e"), (event["dropped_attributes_count"] + len(event.get("attributes", {})), event["name"]), "the event")


def only_line(lines):
    check_equal(1, len(lines), f"lines: {lines}")
    return lines[0]


@test("lasting/full-disk-end", "storage H13")
def full_disk_end(world):
    """The end on a full disk is kept in the span's own file: the span is recorded when there is room, once, and not as abandoned."""
    disk = on_small_disk(world)
    span = begun(world, "--attribute", "a=b")
    helper(world, "span", "event", span, "--name", "e")
    world.fill(disk)
    done = helper(world, "span", "end", span, "--status", "error", "--message", "why", "--attribute", "c=d", "--json")
    check_equal(("ok", ""), (json.loads(done.stdout)["status"], done.stderr), "what end says")
    check_equal([".span"], waiting_files(world), "files")
    check_equal(10, helper(world, "span", "end", span, expected=None).returncode, "a second end")
    status = json.loads(helper(world, "status", "--json").stdout)["spans"]
    check_equal((0, 1, 0, 0), tuple(status[each] for each in ("open", "waiting_for_room", "dropped", "delivered")), "status")
    check("0 open, 1 that ended wait for room on the disk" in helper(world, "status").stdout, "status in words")
    for command in (["deliver", "--now"], ["flush"]):
        check("1 that ended wait for room on the disk" in helper(world, *command, expected=None).stderr, f"{command}")
    check_equal([".span"], waiting_files(world), "files after a delivery on the full disk")
    os.remove(os.path.join(disk, "fill"))
    each = only_line(delivered(world))
    check_equal(({"a": "b", "c": "d"}, "error", "why", ["e"], None),
                (each["attributes"], each["status"], each["status_message"], [event["name"] for event in each["events"]], each.get("abandoned")), "the span")
    check_equal([], waiting_files(world), "files at the end")
    status = json.loads(helper(world, "status", "--json").stdout)["spans"]
    check_equal((0, 0, 1), (status["open"], status["dropped"], status["delivered"]), "status at the end")


@test("lasting/full-disk-end-counts", "storage H13")
def full_disk_end_counts(world):
    """What is said at the end and has no room on a full disk is counted in the span."""
    disk = on_small_disk(world)
    span = begun(world)
    world.fill(disk)
    done = helper(world, "span", "end", span, "--json", *[f"--attribute=k{i}={'x' * 1000}" for i in range(8)])
    check_equal("adjusted", json.loads(done.stdout)["status"], "status")
    os.remove(os.path.join(disk, "fill"))
    each = only_line(delivered(world))
    check_equal(8, each["dropped_attributes_count"] + len(each.get("attributes", {})), f"attributes and what is counted: {each}")


@test("lasting/full-disk-withdrawn", "A18 H13")
def full_disk_withdrawn(world):
    """A span that waits for room is erased by a refusal."""
    disk = on_small_disk(world)
    span = begun(world)
    world.fill(disk)
    helper(world, "span", "end", span)
    helper(world, "disable")
    check_equal([], waiting_files(world), "files")
    helper(world, "enable")
    os.remove(os.path.join(disk, "fill"))
    check_equal([], delivered(world), "delivered")


@test("lasting/file-size", "storage H13")
def file_size(world):
    """The same under a limit on the size of files, and no signal ends the helper."""
    span = begun(world, preexec_fn=limited(12288))
    recorded, lost = events_until_full(world, span, preexec_fn=limited(12288))
    for size in (0, 4096):
        for words in (["event", span, "--name", "e"], ["end", span]):
            done = helper(world, "span", *words, "--json", preexec_fn=limited(size))
            check_equal("dropped", json.loads(done.stdout)["status"], f"status of {words[0]} with {size} bytes")
            check("not recorded: the span's file cannot be used: File too large" in done.stderr, f"{words[0]} with {size} bytes: {done.stderr}")
    done = helper(world, "span", "end", span, "--json", preexec_fn=limited(12288))
    check_equal("ok", json.loads(done.stdout)["status"], "status")
    check_equal([".span"], waiting_files(world), "files")
    each = only_line(delivered(world))
    check_equal((recorded, lost, None), (len(each["events"]), each["dropped_events_count"], each.get("abandoned")), "the span")
    done = helper(world, "span", "begin", "--name", "none", preexec_fn=limited(4096))
    check_equal(("-02\n", 1), (done.stdout[-4:], len(done.stderr.splitlines())), f"without room for the file: {done.stderr}")
    helper(world, "span", "end", done.stdout.strip())


@test("lasting/large", "H13")
def large(world):
    """A span has at most 64 KiB: what is more is counted, and the span can be ended, however it is cut into events."""
    for value, names in (("x" * 1000, "e"), ("x" * 996, "e%02d")):
        span = begun(world)
        said = []
        for number in range(80):
            name = names % number if "%" in names else names
            said.append(json.loads(helper(world, "span", "event", span, "--name", name, "--attribute", "v=" + value, "--json").stdout)["status"])
        helper(world, "span", "end", span)
        each = delivered(world)[-1]
        whole = [event for event in each["events"] if "v" in event.get("attributes", {})]
        check_equal(said.count("ok"), len(whole), "events with all that was said of them")
        check(50 < len(whole) < 70, f"{len(whole)} events have found room")
        cut = sum(event.get("dropped_attributes_count", 0) for event in each["events"])
        check_equal(80, len(whole) + cut + each.get("dropped_events_count", 0), "and what is counted of the others")


LOCAL = {f"{TOOL.upper()}_TELEMETRY_LOCAL": "1"}


@test("lasting/local-only", "A7 H13")
def local_only(world):
    """What was begun for this machine alone stays on it, whoever ends it; and what is said under local only makes the span local."""
    receiver = world.closes(PushReceiver())
    world.manifest(receiver.url, kind="zipkin")
    first = begun(world, "--attribute", "who=canary", environment=LOCAL)
    helper(world, "span", "end", first)
    second = begun(world)
    helper(world, "span", "event", second, "--name", "canary", environment=LOCAL)
    helper(world, "span", "end", second)
    third = begun(world)
    helper(world, "span", "end", third, "--attribute", "who=canary", environment=LOCAL)
    helper(world, "span", "end", begun(world, "--attribute", "who=everybody"))
    helper(world, "deliver", "--now")
    sent = b"".join(request.body for request in receiver.requests)
    check(b"canary" not in sent, f"sent: {sent}")
    check(b"everybody" in sent, "what was not local only")
    check_equal(3, len(log_lines(world)), "spans in the local log")


@test("lasting/other-destination", "E6 H13 H14")
def other_destination(world):
    """A span for one receiver of the user's own does not go to another because another command ends it."""
    helper(world, "disable")
    mine, other = world.closes(PushReceiver()), world.closes(PushReceiver())
    path = world.path("home", ".config", "telemetry", "own.yaml")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(f"backends: [{{kind: otlp, endpoint: '{mine.url}', signals: [spans]}}]\n")
    asked = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": other.url + "/v1/traces"}
    span = begun(world)
    os.rename(path, path + ".kept")
    helper(world, "span", "end", span, environment=asked)
    helper(world, "deliver", "--now", environment=asked, expected=None)
    check_equal([], other.requests, "requests to the other receiver")
    os.rename(path + ".kept", path)
    helper(world, "deliver", "--now", expected=None)
    check_equal(1, len(mine.requests), "requests to the receiver that it was begun for")


@test("lasting/unwritable", "B1 A18 H13")
def unwritable(world):
    """A directory that others may write to is not used, and is named: by what would change a span, and by doctor. A refusal says that a span is open there."""
    span = begun(world)
    os.chmod(spool(world), 0o777)
    for words in (["event", span, "--name", "e"], ["end", span]):
        done = helper(world, "span", *words, "--json")
        check_equal("dropped", json.loads(done.stdout)["status"], words[0])
        check("the span's file cannot be used: Operation not permitted" in done.stderr, f"{words[0]}: {done.stderr}")
    done = helper(world, "doctor", "--offline", expected=8)
    check("problem  spans directory" in done.stdout and spool(world) in done.stdout, f"doctor: {done.stdout}")
    os.chmod(spool(world), 0o700)
    helper(world, "span", "end", span)
    disk = on_small_disk(world)
    begun(world)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    done = helper(world, "disable", expected=9)
    check("the open span in" in done.stderr, f"disable: {done.stderr}")


@test("lasting/output", "H13")
def output(world):
    """A `begin` whose output nobody gets says so by its exit code, and leaves no span, in every form; a program's span needs no output."""
    for form in ("traceparent", "export", "header", "dotenv", "json"):
        words = f"'{BUILD}/bin/telemetry' span begin --name s --tool {TOOL} " + ("--json" if form == "json" else f"--print {form}")
        for redirection, before in ((">&-", ""), (">/dev/full", ""), ("| true", "trap '' PIPE; "), ("| true", "")):
            # The reader of the pipe is gone before anything is written.
            script = f"{words} {redirection}" if redirection[0] == ">" else f"({before}sleep 0.2; {words}; echo $? >code) {redirection}; exit $(cat code)"
            done = world.run(["bash", "-c", script], expected=None)
            check_equal(5, done.returncode, f"{form} {redirection}: exit code, {done.stderr}")
            check_equal(1, len(done.stderr.splitlines()), f"{form} {redirection}: {done.stderr}")
            check_equal([], [slot.span.name for slot in found(world).open], f"{form} {redirection}: open")
    for redirection in (">&-", ">/dev/full"):
        world.run(["bash", "-c", f"'{BUILD}/bin/telemetry' span --tool {TOOL} --name run -- true {redirection}"])
    helper(world, "deliver", "--now")
    check_equal([("run", None)] * 2, [(span["name"], span.get("abandoned")) for span in log_lines(world)], "recorded")
    status = json.loads(helper(world, "status", "--json").stdout)["spans"]
    check_equal((2, 0, 0), (status["recorded"], status["dropped"], status["open"]), "status")


@test("lasting/output-off", "H13")
def output_off(world):
    """While telemetry is off, a closed output is a mistake only if there is something to print."""
    helper(world, "disable")
    begin = f"'{BUILD}/bin/telemetry' span begin --name s --tool {TOOL} >&-"
    world.run(["bash", "-c", begin])
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    check_equal(5, world.run(["bash", "-c", begin], expected=None, environment={"TRACEPARENT": parent}).returncode, "with a parent to hand on")


class InC:
    """A span of a program."""

    def __init__(self, world, begun_with):
        self.driver = Driver(world)
        self.driver.open()
        self.driver.begin(0, 0, "lasts", 1, ROOT)
        self.driver.attributes(0, *begun_with)

    def event(self, name, given):
        return self.driver.event(0, name, *given)

    def end(self, given):
        self.driver.attributes(0, *given)
        self.driver.status(0, 1, None)
        self.driver.end(0)
        self.driver.close(0, 10000)


class InShell:
    """A span of commands."""

    def __init__(self, world, begun_with):
        self.world = world
        self.span = begun(world, *self.options(begun_with))

    @staticmethod
    def options(given):
        return [f"--attribute={each.key}:int={each.value}" for each in given]

    def event(self, name, given):
        done = helper(self.world, "span", "event", self.span, "--name", name, "--json", *self.options(given))
        return {"ok": OK, "adjusted": ADJUSTED, "dropped": ADJUSTED}[json.loads(done.stdout)["status"]]

    def end(self, given):
        helper(self.world, "span", "end", self.span, "--status", "ok", *self.options(given))


class Numbered(Attribute):
    def __init__(self, key, value):
        super().__init__(key, value)
        self.key, self.value = key, value


def numbered(keys, value):
    return [Numbered(f"k{key}", value) for key in keys]


@test("lasting/limits", "H13 H9")
def limits(world):
    """At the limits of a span, one of commands has what one in C has: a known key gets its new value, a new one is counted, and so are events and their attributes."""
    def content(span):
        return (span.get("attributes"), span.get("dropped_attributes_count"), len(span["events"]), span.get("dropped_events_count"), span["status"],
                [len(event.get("attributes", {})) for event in span["events"][:3]], [event.get("dropped_attributes_count") for event in span["events"][:3]])

    for first in (128, 127, 130):
        results = []
        for make in (InC, InShell):
            span = make(world, numbered(range(first), 1))
            answers = [span.event("large", numbered(range(130), 1)), span.event("full", numbered(range(128), 1)), span.event("small", [])]
            if first == 128:
                answers += [span.event("more", []) for _ in range(127)]
            span.end(numbered([3, 500, 4, 501, 3], 2))
            helper(world, "deliver", "--now")
            results.append((answers, content(log_lines(world)[-1])))
        check_equal(results[0], results[1], f"{first} attributes")
        attributes, dropped, *_ = results[1][1]
        check_equal((128, 2, 2, max(0, first - 128) + (1 if first == 127 else 2)), (len(attributes), attributes["k3"], attributes["k4"], dropped), f"{first} attributes")


@test("lasting/limits-full-disk", "storage H13")
def limits_full_disk(world):
    """Also on a full disk a known key gets its new value at the limit."""
    disk = on_small_disk(world)
    span = begun(world, *InShell.options(numbered(range(128), 1)))
    world.fill(disk)
    helper(world, "span", "end", span, *InShell.options(numbered([500, 3], 2)))
    os.remove(os.path.join(disk, "fill"))
    each = only_line(delivered(world))
    check_equal((128, 2, 1), (len(each["attributes"]), each["attributes"]["k3"], each["dropped_attributes_count"]), "attributes")
