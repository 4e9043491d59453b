"""Splunk: the HTTP Event Collector as its documentation has it, and key=value datagrams as two syslog daemons read them."""
import json
import os
import re
import socket
import subprocess
import sys

import faults
import stage as stages
from key_value import DatagramReceiver, Rsyslog, SyslogNG, free_port, read as read_line
from stage import BUILD, OK
from suite import Skipped, check, check_equal, test
from vendor_receiver import UUID7, expect_text, moment, size, unique
from vendors import KEY, METADATA, VendorReceiver, check_fields, no_key_anywhere, program, through_c, through_helper

PATH = "/services/collector/event"
SUCCESS = '{"text":"Success","code":0}'
GRACE_MS = 50


# HTTP Event Collector


def rules(request):
    """wire-formats, "Splunk", HEC."""
    if request.method != "POST" or request.path != PATH or request.header("Content-Type") != "application/json":
        raise ValueError(f"{request.method} {request.path} {request.header('Content-Type')}")
    if request.header("Authorization") != f"Splunk {KEY}" or len(request.body) > 1_000_000:
        raise ValueError(f"the token is wrong, or {len(request.body)} bytes are more than 1 MB")
    text, position, request.json = request.body.decode("utf-8"), 0, []
    decoder = json.JSONDecoder(object_pairs_hook=unique, parse_float=str)
    while position < len(text):
        event, position = decoder.raw_decode(text, position)
        request.json.append(event)
    for event in request.json:
        if not {"time", "source", "sourcetype", "event", "fields"} <= set(event) <= {"time", "source", "sourcetype", "event", "fields", "index"}:
            raise ValueError(f"members {list(event)}")
        expect_text(event, "source", "sourcetype")
        if not re.fullmatch(r"\d{10}\.\d{9}", event["time"]) or size(event) > 1_000_000 or not event["event"]:
            raise ValueError(f"time {event['time']}, or size")
        if any(not isinstance(value, str) for value in event["fields"].values()):
            raise ValueError(f"fields are flat: {event['fields']}")


def collector(stage):
    return stage.closes(VendorReceiver(rules, 200))


def failing(code, number=None):
    return json.dumps({"text": "as documented", "code": code, **({} if number is None else {"invalid-event-number": number})})


@test("splunk-hec/every-field", "F C2")
def every_field(stage):
    """Every field of an event arrives, plain and compressed, with the time to the nanosecond."""
    for compression in ("none", "gzip"):
        splunk = collector(stage)
        printed = through_c(stage, "splunk_hec", "full", endpoint=splunk.url, api_key=KEY, source="here", sourcetype="our:type", index="main",
                            compression=compression)
        check_equal(f"{OK} splunk_hec: POST {splunk.url}{PATH}", printed, "what close returned, and the description")
        [[found]] = [request.json for request in splunk.taken()]
        check_equal(("here", "our:type", "main"), (found["source"], found["sourcetype"], found["index"]), "the author's settings")
        event = json.loads(json.dumps(found["event"]))
        event["metadata"]["number"] = float(event["metadata"]["number"])
        check_fields(event)
        check(UUID7.fullmatch(event["event_id"]), event["event_id"])
        check_equal(event["timestamp"][-11:-1], found["time"][10:], "decimals of the time")
        check_equal(int(moment(event["timestamp"]).timestamp()), int(found["time"][:10]), "seconds of the time")
        check_equal({"type": "command.invocation", "name": "run it", "tool_name": stages.TOOL, "version": "1.2.3"}, found["fields"], "fields")
    stage.expect(2, delivered=2)
    no_key_anywhere(stage)


# Splunk's documentation, "Troubleshoot HTTP Event Collector", and what becomes of the event.
CODES = [(403, 1, "rejected"), (401, 2, "rejected"), (401, 3, "rejected"), (403, 4, "rejected"), (400, 5, "rejected"), (400, 6, "rejected"),
         (400, 7, "rejected"), (500, 8, "kept"), (503, 9, "kept"), (400, 10, "rejected"), (400, 11, "rejected"), (400, 12, "rejected"),
         (400, 13, "rejected"), (400, 14, "rejected"), (400, 15, "rejected"), (400, 16, "rejected"), (429, None, "kept"), (413, None, "rejected"),
         (408, None, "kept"), (502, None, "kept"), (504, None, "kept")]


@test("splunk-hec/codes", "E6 E8 E12")
def codes(stage):
    """Every error code, and what becomes of an event: kept and sent again, or counted as rejected."""
    splunk = collector(stage)
    stage.manifest(splunk.url, kind="splunk_hec", api_key=KEY, sections={"delivery": {"mode": "agent"}})
    for status, code, fate in CODES:
        splunk.answers.append((status, [], failing(code)))
    through_c(stage, "splunk_hec", endpoint=splunk.url, api_key=KEY)
    recorded = delivered = rejected = 0
    for status, code, fate in CODES:
        before = len(splunk.requests)
        through_c(stage, "splunk_hec", "track=1", endpoint=splunk.url, api_key=KEY)
        if len(splunk.requests) == before:
            stage.helper("deliver", "--now", expected=None)
        recorded += 1
        check_equal((before + 1, status), (len(splunk.requests), splunk.requests[-1].answer), f"requests and the answer, {status} code {code}")
        rejected += fate == "rejected"
        if fate == "kept":
            text = stage.expect(recorded, delivered, 1, **({"rejected": rejected} if rejected else {}))["last_delivery"]
            check_equal((f"HTTP {status}", 1), (text["last_error"], text["consecutive_failures"]), "what status says")
            if code == 9:
                no_key_anywhere(stage)
            splunk.answers.insert(0, (200, [], SUCCESS))
            stage.helper("deliver", "--now")
            delivered += 1
        stage.expect(recorded, delivered, **({"rejected": rejected} if rejected else {}))
    check_equal(delivered, len({each["event"]["event_id"] for request in splunk.taken() for each in request.json}), "different events taken")


@test("splunk-hec/invalid-event", "E8 E12")
def invalid_event(stage):
    """400 with invalid-event-number: that event is dropped, those behind it are sent again, those before it are not."""
    splunk = collector(stage)
    splunk.answers += [(400, [], failing(6, 4)), (400, [], failing(12, 0)), (400, [], failing(15, 2)), (200, [], SUCCESS)]
    through_c(stage, "splunk_hec", "track=12", endpoint=splunk.url, api_key=KEY)
    check_equal([list(range(12)), list(range(5, 12)), list(range(6, 12)), list(range(9, 12))],
                [[event["event"]["metadata"]["sequence"] for event in request.json] for request in splunk.requests], "events of each request")
    stage.expect(12, delivered=9, rejected=3)


@test("splunk-hec/odd-answers", "E8")
def odd_answers(stage):
    """A number that cannot be meant, and an index that no event may go to, cost one request and not one for each event."""
    for body in (failing(6, 12), failing(6, -1), '{"invalid-event-number":', failing(7, 0)):
        splunk = collector(stage)
        splunk.answers.append((400, [], body))
        through_c(stage, "splunk_hec", "track=12", endpoint=splunk.url, api_key=KEY)
        check_equal(1, len(splunk.requests), f"requests after {body}")
    stage.expect(48, rejected=48)


@test("splunk-hec/large", "F E8")
def large(stage):
    """The largest events arrive whole, in requests of at most 1 MB; 413 halves, and the halves arrive."""
    splunk = collector(stage)
    splunk.answers.append((413, []))
    through_c(stage, "splunk_hec", *["large=64000"] * 20, "track=1500", endpoint=splunk.url, api_key=KEY)
    events = [event["event"] for request in splunk.taken() for event in request.json]
    check_equal([63] * 20 + [1] * 1500, [len(event["metadata"]) - 1 for event in events], "attributes of each event")
    check_equal(1520, len({event["event_id"] for event in events}), "different events")
    stage.expect(1520, delivered=1520)


@test("splunk-hec/helper", "F B3")
def helper(stage):
    """The helper sends the same form, and shows it with the token masked."""
    splunk = collector(stage)
    through_helper(stage, "splunk_hec", splunk)
    printed = stage.helper("track", "search", "--dry-run")
    check(KEY not in printed and "Authorization: ***" in printed and '"sourcetype":"_json","event":{' in printed, printed)
    [[event]] = [request.json for request in splunk.taken()]
    check_equal((stages.TOOL, "_json", "search"), (event["source"], event["sourcetype"], event["event"]["name"]), "an event of the helper's")


# key=value over UDP


CORPUS = [
    "", "plain", "two words", "a;b", "a=b", 'quo"te', '"', '""', "back\\slash", "\\", "\\\\", "\\n", "\\\"", "tab\there", "new\nline", "\n", "carriage\rreturn",
    "\r\n", ";name=other", '";name="other', "a|b", "comma,and'apostrophe", " leading", "trailing ", "bell\x07", "escape\x1b[31m", "\x01\x02\x03\x1f", "del\x7f",
    "next\u0085line", "\u009b", "line\u2028separator", "é", "e\u0301", "שלום עולם", "مرحبا", "\u202eright to left", "😀", "👩\u200d👩\u200d👧", "\U0010ffff", "\ufeffmark",
    "\ufffd", "日本語 テキスト", "%s%n$HOME`id`", "#011", "<14>", "\x7f=\\\";\t\n\r",
]


def check_corpus(events):
    """Each text of the corpus came back in every place where it was put."""
    check_equal(len(CORPUS), len(events), "events")
    by_text = dict(zip(CORPUS, events))
    for text, event in by_text.items():
        check_equal((text, text, text or None, "run", "1"), (event.get("metadata.text"), event.get("args"), event.get("error"), event.get("name"), event.get("exit_code")),
                    f"what {text!r} came back as")


def send_corpus(stage, receiver):
    printed = through_c(stage, "splunk_udp", *[f"text={text}" for text in CORPUS], endpoint=receiver.url)
    check_equal(f"{OK} splunk_udp: {receiver.url}", printed, "what close returned, and the description")
    stage.expect(len(CORPUS), delivered=len(CORPUS))


@test("splunk-udp/every-field", "F C2")
def every_field_udp(stage):
    """Every field of an event arrives, by IPv4, IPv6 and a name."""
    for family, host, name in ((socket.AF_INET, "127.0.0.1", "127.0.0.1"), (socket.AF_INET6, "::1", "[::1]"), (socket.AF_INET, "127.0.0.1", "localhost")):
        try:
            receiver = stage.closes(DatagramReceiver(family, host))
        except OSError:
            continue  # no IPv6 here
        url = f"udp://{name}:{receiver.port}"
        check_equal(f"{OK} splunk_udp: {url}", through_c(stage, "splunk_udp", "full", endpoint=url), "what close returned, and the description")
        [event] = receiver.wait_for(1)
        check(moment(event.pop("timestamp")) and UUID7.fullmatch(event.pop("event_id")), "time and id")
        for key in ("arch", "os_version", "runtime", "machine_id", "error_category"):
            check(event.pop(key), key)
        metadata = {"distinct_id": "mine", "text": "a\\b\tc", "integer": str(-2**63), "number": "0.5", "flag": "true", "release": "beta"}
        check_equal(set(METADATA), set(metadata), "what is asked for")
        check_equal({"signal": stages.TOOL, "schema_version": "1", "type": "command.invocation", "name": "run it", "version": "1.2.3", "os": "linux",
                     "duration_ms": "0", "exit_code": "3", "args": "get||quo\"te", "error": "no\nroute é",
                     **{f"metadata.{key}": value for key, value in metadata.items()}}, event, "pairs")


@test("splunk-udp/corpus", "F")
def corpus(stage):
    """Any text comes back from a strict reader of the wire as it was."""
    receiver = stage.closes(DatagramReceiver())
    send_corpus(stage, receiver)
    check_corpus(receiver.wait_for(len(CORPUS)))


@test("splunk-udp/syslog-ng", "F")
def syslog_ng(stage):
    """syslog-ng with kv-parser() and format-json has the values that were sent."""
    daemon = SyslogNG(stage)
    send_corpus(stage, daemon)
    check_corpus(daemon.wait_for(len(CORPUS)))


@test("splunk-udp/rsyslog", "F")
def rsyslog(stage):
    """rsyslog has the values that were sent."""
    daemon = Rsyslog(stage, ["signal", "args", "error", "exit_code", "metadata.text", "name", "version"])
    send_corpus(stage, daemon)
    check_corpus(daemon.wait_for(len(CORPUS)))


@test("splunk-udp/nul", "F")
def nul(stage):
    """No text of an event holds a NUL, at which daemons written in C would stop."""
    receiver = stage.closes(DatagramReceiver())
    stage.manifest(receiver.url, kind="splunk_udp")
    done = subprocess.run([f"{BUILD}/bin/telemetry", "track", "x", "--tool", stages.TOOL, "--properties", "-"], env=stage.environment, cwd=stage.root,
                          input='{"text":"a\\u0000b"}', capture_output=True, text=True, timeout=60)
    stage.helper("deliver", "--now", expected=None)
    found = [event.get("metadata.text") for event in receiver.events()]
    check(b"\0" not in b"".join(receiver.all()), f"a NUL in {receiver.all()}")
    return f"the helper ended with {done.returncode} ({done.stderr.strip()}), and sent {found}"


@test("splunk-udp/long", "F C9")
def long(stage):
    """No datagram is longer than 1,400 bytes; a longer event says truncated=true, and its beginning is right."""
    receiver = stage.closes(DatagramReceiver())
    texts = ["é" * 500, "\n" * 1000, "😀" * 250, "x" * 380]
    through_c(stage, "splunk_udp", "large=64000", *[f"text={text}" for text in texts], "track=1", endpoint=receiver.url)
    first, *events, last = receiver.wait_for(6)
    check_equal(("true", None), (first.get("truncated"), last.get("truncated")), "truncated")
    check_equal(["large", "search"], [first["name"], last["name"]], "names")
    for text, event in zip(texts, events):
        check_equal("true", event.get("truncated"), f"truncated, of {text[:3]!r}")
        check(all(text.startswith(event[key]) and len(event[key].encode()) > 100 for key in ("metadata.text", "args", "error")), event)
    stage.expect(6, delivered=6)


@test("splunk-udp/shown", "B1 B3 E7")
def shown(stage):
    """What `show --wire` prints is what is sent; `status` says at-most-once, whatever the author chose."""
    receiver = stage.closes(DatagramReceiver())
    stage.send(*manifest(stage, receiver.url, 3), "close=0")
    check_equal([], receiver.all(), "datagrams before they are shown")
    printed = stage.helper("show", "--wire")
    check("at-most-once" in stage.helper("status"), stage.helper("status"))
    check_equal("at-most-once", stage.status()["backends"][0]["guarantee"], "what status --json says")
    stage.helper("deliver", "--now")
    datagrams = b"".join(receiver.all()).decode()
    check(datagrams and datagrams in printed, f"shown {printed!r}, sent {datagrams!r}")
    check_equal(["0", "1", "2"], [event["metadata.sequence"] for event in receiver.events()], "in their order")


# What goes wrong, and what never may


def manifest(stage, url, count, **sections):
    stage.manifest(url, kind="splunk_udp", sections={"delivery": {"mode": "in-process", "guarantee": "at-least-once"}, **sections})
    return [f"manifest={stage.manifest_file}", f"track={count}"]


def check_deadline(done, deadline, status):
    found, milliseconds = done["close"]
    check_equal(status, int(found), "what close returned")
    check(float(milliseconds) <= deadline + GRACE_MS, f"close took {milliseconds} ms of {deadline} ms")


@test("splunk-udp/refused", "E6 E9 E12")
def refused(stage):
    """Nobody is there: all but the datagrams that the system took are kept, and sent when somebody is; none twice."""
    port = free_port()
    done = stage.send(*manifest(stage, f"udp://127.0.0.1:{port}", 12), "close=250")
    check_deadline(done, 250, stages.DELIVERY)
    status = stage.expect(12, delivered=1, pending=11)
    check("refused" in status["last_delivery"]["last_error"], status["last_delivery"])
    receiver = stage.closes(DatagramReceiver(port=port))
    stage.helper("deliver", "--now")
    check_equal([str(index) for index in range(1, 12)], [event["metadata.sequence"] for event in receiver.events()], "events that arrive later")
    stage.expect(12, delivered=12)


@test("splunk-udp/dns", "E6 E9")
def dns(stage):
    """A name server that answers nothing: close keeps its deadline, everything is kept, and sent when the name is known."""
    sys.path.append(os.path.join(os.path.dirname(stages.HERE), "faults"))
    from cell import HOST, NAME_SERVER, DeadResolver
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        raise Skipped("needs root and a mount namespace")
    server = stage.closes(faults.SilentResolver(NAME_SERVER))
    receiver = stage.closes(DatagramReceiver())
    wrapper = DeadResolver.mounts(stage, {"resolv.conf": f"nameserver {NAME_SERVER}\n", "nsswitch.conf": "hosts: files dns\n"})
    actions = manifest(stage, f"udp://{HOST}:{receiver.port}", 12)
    check_deadline(stage.send(*actions, "close=250", wrapper=wrapper), 250, stages.TIMEOUT)
    check(server.questions() > 0, "the name server was never asked")
    stage.expect(12, pending=12)
    known = DeadResolver.mounts(stage, {"hosts": f"127.0.0.1 {HOST}\n", "nsswitch.conf": "hosts: files\n"})
    child = stage.closes(stages.Child([*known, f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", stages.TOOL], stage.environment, stage.root))
    check_equal(0, child.process.wait(30), "exit code of deliver")
    check_equal(12, len(receiver.events()), "events that arrive later")
    stage.expect(12, delivered=12)


@test("splunk-udp/unreachable", "E6 E9 E12")
def unreachable(stage):
    """Without a network all is kept. In a black hole nobody can tell: the system took the datagrams, and close is done at once."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0:
        raise Skipped("needs root and a network namespace")
    check_deadline(stage.send(*manifest(stage, "udp://192.0.2.7", 12), "close=250", wrapper=["unshare", "-n"]), 250, stages.DELIVERY)
    stage.expect(12, pending=12)
    hole = ["unshare", "-n", "sh", "-ec", 'ip link set lo up; ip route add 192.0.2.0/24 dev lo; exec "$@"', "sh"]
    child = stage.closes(stages.Child([*hole, f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", stages.TOOL], stage.environment, stage.root))
    check_equal(0, child.process.wait(30), "exit code of deliver")
    stage.expect(12, delivered=12)


@test("splunk-udp/killed", "E7 E12")
def killed(stage):
    """A deliverer that is killed in the middle of a batch: nothing is sent twice, and what is not known is counted so."""
    receiver = stage.closes(DatagramReceiver())
    stage.send(*manifest(stage, receiver.url, 100), "close=0")
    done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=sendto", "-e", "inject=sendto:signal=SIGKILL:when=70",
                           f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", stages.TOOL], env=stage.environment, cwd=stage.root, capture_output=True, timeout=60)
    check(done.returncode in (-9, 137), f"it was not killed: {done}")
    sent = len(receiver.events())
    check(68 <= sent <= 70, f"{sent} datagrams before it was killed")
    stage.helper("deliver", "--now")
    sequences = [int(event["metadata.sequence"]) for event in receiver.events()]
    check_equal(sequences, sorted(set(sequences)), "each once, in their order")
    status = stage.status()["events"]
    check_equal((100, 64, 36, 0), (status["recorded"], status["delivered"], status["dropped_by_reason"]["unconfirmed"], status["pending"]), "counted")


@test("splunk-udp/withdrawn", "A18 E12")
def withdrawn(stage):
    """No datagram leaves after `disable` has returned, though a batch was on its way."""
    receiver = stage.closes(DatagramReceiver())
    stage.send(*manifest(stage, receiver.url, 1000), "close=0")
    child = stage.closes(stages.Child(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=sendto", "-e", "inject=sendto:delay_enter=50000",
                                       f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", stages.TOOL], stage.environment, stage.root))
    stages.wait_until(lambda: len(receiver.all()) >= 5, "the first datagrams")
    stage.helper("disable")
    sent = len(receiver.all())
    child.process.wait(30)
    check_equal(sent, len(receiver.all()), "datagrams when disable returned, and later")
    # The batch of 64 is called off, not waited for.
    check(5 <= sent < 64, f"{sent} datagrams")
    status = stage.status()["events"]
    check_equal((1000, 0), (status["recorded"], status["pending"]), "recorded and pending")
    check_equal(1000, status["delivered"] + status["dropped"], "delivered and dropped")


def sockets(stage, command, environment=None):
    """The sockets that a command opens, libcurl too if it is loaded."""
    trace = stage.path("trace")
    subprocess.run(["strace", "-f", "-qq", "-o", trace, "-e", "trace=network,openat", *command], env={**stage.environment, **(environment or {})},
                   cwd=stage.root, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    with open(trace, errors="replace") as file:
        text = file.read()
    check("openat(" in text and "libcurl" not in text, "libcurl is loaded, or nothing was traced")
    return re.findall(r"\bsocket\((.*)\)", text), text.count("sendto(")


@test("splunk-udp/off", "A4 A8 F")
def off(stage):
    """With consent off there is no socket; with consent none before there is something to send, and one then."""
    receiver = stage.closes(DatagramReceiver())
    settings = ["--", f"endpoint={receiver.url}"]
    actions = [[program(stage), "splunk_udp", "track=3", *settings], [f"{BUILD}/bin/telemetry", "track", "x", "--tool", stages.TOOL],
               [f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", stages.TOOL]]
    stage.manifest(receiver.url, kind="splunk_udp", sections={"delivery": {"mode": "in-process"}})
    for command in actions:
        check_equal(([], 0), sockets(stage, command, {"DO_NOT_TRACK": "1"}), f"sockets and datagrams of {command[:2]} with consent off")
    check_equal([], receiver.all(), "datagrams")
    check_equal(([], 0), sockets(stage, [program(stage), "splunk_udp", *settings]), "sockets of a program that records nothing")
    opened, sent = sockets(stage, actions[0])
    check_equal((["AF_INET, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_IP"], 3), (opened, sent), "sockets and datagrams")
    check_equal(3, len(receiver.events()), "datagrams")


@test("splunk-udp/fork", "E7 F")
def fork(stage):
    """A forked child has a socket of its own and sends its own events; the parent goes on with its own."""
    receiver = stage.closes(DatagramReceiver())
    opened, sent = sockets(stage, [program(stage), "splunk_udp", "track=3", "fork=4", "track=5", "--", f"endpoint={receiver.url}"])
    check_equal((2, 12), (len(opened), sent), "sockets and datagrams")
    check_equal([*range(3), *range(4), *range(5)], [int(event["metadata.sequence"]) for event in receiver.events()], "events")


@test("splunk-udp/processes", "E4 E7")
def processes(stage):
    """Processes that send at once: every event arrives, once."""
    receiver = stage.closes(DatagramReceiver())
    children = [stage.closes(stages.Child([program(stage), "splunk_udp", "track=200", "--", f"endpoint={receiver.url}"], stage.environment, stage.root))
                for _ in range(4)]
    for child in children:
        check_equal(0, child.process.wait(30), "exit code")
    stage.helper("deliver", "--now", expected=None)
    events = [read_line(each) for each in receiver.all()]
    check_equal((800, 800), (len(events), len({event["event_id"] for event in events})), "events, and different ones")
