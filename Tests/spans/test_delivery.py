"""E6, E7, E8, H12: spans on their way to receivers of OTLP and Zipkin that take them, refuse them, or do not answer."""
import json
import os
import random
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# Behind the others: names of files there are names of files here too.
sys.path += [os.path.join(HERE, "..", each) for each in ("metrics", "receivers")]

import zipkin_strict  # noqa: E402
from driving import NULL, OK, ROOT, Driver, attributes, files_below, helper, spool  # noqa: E402
from reader import HEADER_BYTES, SLOT_BYTES  # noqa: E402
from push_receiver import FORMS, PYTHON, PushReceiver  # noqa: E402
from suite import Skipped, check, check_equal, test  # noqa: E402
from test_damage import renewed  # noqa: E402
from world import BUILD, TOOL  # noqa: E402

# ExportTraceServiceResponse with partial_success {rejected_spans: 2, error_message: "no"}.
PARTIAL = bytes([0x0A, 6, 0x08, 2, 0x12, 2]) + b"no"
KEY = "delivery-canary-key"


def decoded(requests):
    """The spans of each, as the protocol's own types and the strict decoder read them."""
    if not os.path.exists(PYTHON):
        raise Skipped("no build/venv: run make setup")
    lines = "".join(f"{FORMS[request.headers['Content-Type']]} {request.body.hex()}\n" for request in requests)
    done = subprocess.run([PYTHON, os.path.join(HERE, "..", "receivers", "otlp_client.py"), "decode-spans"], input=lines, capture_output=True, text=True, timeout=120,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    check_equal((0, ""), (done.returncode, done.stderr), "exit code and error output of the decoder")
    return [[span for resource in message["resourceSpans"] for scope in resource["scopeSpans"] for span in scope["spans"]] for message in json.loads(done.stdout)]


def afresh(world):
    """Nothing is here. Receivers of spans cannot be asked for erasure, which `reset` says."""
    helper(world, "reset", expected=None)
    helper(world, "enable")


class OTLP:
    kind, path = "otlp", "/v1/traces"
    settings = {"signals": "spans"}

    @staticmethod
    def names(requests):
        return [span["name"] for spans in decoded(requests) for span in spans]


class Zipkin:
    kind, path = "zipkin", "/api/v2/spans"
    settings = {}

    @staticmethod
    def names(requests):
        return [span["name"] for request in requests for span in zipkin_strict.check_body(json.loads(request.body))]


RECEIVERS = (OTLP, Zipkin)


def arrange(world, receiver, plan=None, sections=None, **settings):
    """A receiver, and the manifest that leads there."""
    server = world.closes(PushReceiver(plan))
    world.manifest(server.url, sections, kind=receiver.kind, api_key=KEY, **{**receiver.settings, **settings})
    return server


def ids_of_spans(world):
    return {json.loads(line)["event"]["machine_id"] for line in helper(world, "show", "--sent", "--signal", "spans", "--json").stdout.splitlines()}


@test("delivery/erasure", "G H12")
def erasure(world):
    """Ids that only spans have are asked for by reset and by request-deletion; where no receiver of theirs can be asked, both say so."""
    always = {"identity": {"ephemeral": "always"}}
    for words in (["reset"], ["request-deletion"]):
        server = arrange(world, OTLP, None, always, signals="events spans", protocol="http/json")
        for _ in range(2):
            world.run([f"{BUILD}/bin/telemetry", "span", "--tool", TOOL, "--name", "s", "--", "true"])
        helper(world, "flush")
        ids = ids_of_spans(world)
        check_equal(2, len(ids), f"ids: {ids}")
        before = len(server.requests)
        done = json.loads(helper(world, *words, "--json").stdout)
        check_equal((True, 2), (done["asked"], done["identifiers"]), f"{words}: {done}")
        asked = b"".join(request.body for request in server.requests[before:]).decode()
        check_equal([], [each for each in ids if each not in asked], f"{words}: ids that nobody was asked about")
        afresh(world)
    for receiver in (Zipkin, OTLP):
        arrange(world, receiver, None, always)
        world.run([f"{BUILD}/bin/telemetry", "span", "--tool", TOOL, "--name", "s", "--", "true"])
        helper(world, "flush")
        for words in (["request-deletion"], ["reset"]):
            done = helper(world, *words, expected=4)
            check("takes spans alone, so it cannot be asked to erase them: ask the author" in done.stderr, f"{receiver.kind}, {words}: {done.stderr}")
        afresh(world)


def record(world, first, count, **options):
    """Spans "FIRST" and following, which wait then."""
    driver = Driver(world)
    driver.open(manifest=world.manifest_file, **options)
    for number in range(first, first + count):
        driver.begin(0, 0, f"{number}", 1, ROOT)
        driver.attributes(0, *attributes(number=number))
        driver.end(0)
    return driver


def counts(world):
    spans = world.status()["spans"]
    return tuple(spans[name] for name in ("recorded", "delivered", "pending", "dropped"))


@test("delivery/taken", "H12")
def taken(world):
    """Spans arrive once at OTLP and at Zipkin, in requests that their strict readers take, in the place, with the key, compressed."""
    for receiver in RECEIVERS:
        server = arrange(world, receiver, compression="gzip")
        before = counts(world)[1] if os.path.isdir(spool(world)) else 0
        driver = record(world, 0, 500)
        check_equal(OK, driver.close(0, 20000), f"{receiver.kind}: close")
        driver.leave()
        check_equal([f"{number}" for number in range(500)], sorted(receiver.names(server.requests), key=int), f"{receiver.kind}: spans")
        for request in server.requests:
            check_equal((receiver.path, "gzip", f"Bearer {KEY}"), tuple([request.path, request.headers["Content-Encoding"], request.headers["Authorization"]]), "head")
        check_equal((500 + before, 500 + before, 0, 0), counts(world), f"{receiver.kind}: counts")
        check(all(KEY.encode() not in open(os.path.join(spool(world), name), "rb").read() for name in files_below(spool(world))), "the key is in the spool")


@test("delivery/answers", "E8 H12")
def answers(world):
    """503, 429 and a reset keep spans; 400 and 404 refuse them, and they are counted; later ones are delivered."""
    for receiver in RECEIVERS:
        for status, expected in ((503, (1, 0, 1, 0)), (429, (1, 0, 1, 0)), ("reset", (1, 0, 1, 0)), (400, (1, 0, 0, 1)), (404, (1, 0, 0, 1))):
            server = arrange(world, receiver, lambda number, status=status: status if number == 0 else 200)
            driver = record(world, 0, 1)
            driver.close(0, 5000)
            driver.leave()
            helper(world, "deliver", expected=None)
            if expected[3] and len(server.requests) == 1 and counts(world) != expected:
                helper(world, "deliver", "--now", expected=None)
            check_equal((expected, 1), (counts(world), len(server.requests)), f"{receiver.kind}: {status}")
            helper(world, "deliver", "--now", expected=None)
            check_equal((1, 1 - expected[3], 0, expected[3]), counts(world), f"{receiver.kind}: after {status}")
            check_equal(["0"] * (2 - expected[3]), receiver.names(server.requests), f"{receiver.kind}: requests, {status}")
            afresh(world)


@test("delivery/retry-after", "E8 H12")
def retry_after(world):
    """Retry-After is waited for: nothing is sent before, and the pause holds for other processes."""
    for receiver in RECEIVERS:
        server = arrange(world, receiver, lambda number: (503, [("Retry-After", "3600")]) if number == 0 else 200)
        driver = record(world, 0, 1)
        driver.close(0, 5000)
        driver.leave()
        for _ in range(3):
            helper(world, "deliver", expected=None)
        driver = record(world, 1, 1)
        driver.close(0, 3000)
        driver.leave()
        check_equal((1, (2, 0, 2, 0)), (len(server.requests), counts(world)), receiver.kind)
        helper(world, "deliver", "--now")
        check_equal(["0", "0", "1"], sorted(receiver.names(server.requests)), f"{receiver.kind}: after --now")
        afresh(world)


@test("delivery/partial", "H12")
def partial(world):
    """OTLP: what a receiver rejects of a request is counted as rejected, and nothing is sent again."""
    server = arrange(world, OTLP, lambda number: (200, [("Content-Type", "application/x-protobuf")], PARTIAL))
    driver = record(world, 0, 5)
    driver.close(0, 10000)
    driver.leave()
    helper(world, "deliver", "--now", expected=None)
    check_equal(1, len(server.requests), "requests")
    check_equal((5, 3, 0, 2), counts(world), "counts")


@test("delivery/hang", "E9 H12")
def hang(world):
    """A receiver of spans that never answers delays neither the end of a program nor its events."""
    for receiver in RECEIVERS:
        silent = world.closes(PushReceiver(lambda number: "hang"))
        events = world.receiver()
        world.manifest("", {"backends": [{"name": "spans", "kind": receiver.kind, "endpoint": silent.url, **receiver.settings},
                                         {"name": "events", "kind": "http", "endpoint": events.url}]})
        driver = record(world, 0, 3)
        driver.track(0)
        start = time.monotonic()
        driver.close(0, 2000)
        took = time.monotonic() - start
        driver.leave()
        check(took < 6, f"{receiver.kind}: close took {took} s")
        helper(world, "deliver", "--now", "--time-limit-ms", "3000", expected=None)
        check_equal(1, len(events.accepted()), f"{receiver.kind}: events")
        check_equal((3, 0, 3, 0), counts(world), f"{receiver.kind}: counts of spans")
        afresh(world)


@test("delivery/guarantees", "E6 E7 H12")
def guarantees(world):
    """With any mixture of answers: at least once, no span is lost; at most once, none comes twice, and what may be lost is counted."""
    generator = random.Random(77)
    for receiver in RECEIVERS:
        for guarantee in ("at-least-once", "at-most-once"):
            server = arrange(world, receiver, lambda number: generator.choice((200, 200, 503, "reset", 502, 429, 200)), {"delivery": {"guarantee": guarantee}}, compression="none")
            total = 0
            for _ in range(12):
                driver = record(world, total, 20)
                total += 20
                if generator.random() < 0.5:
                    driver.close(0, 3000)
                    driver.leave()
                else:
                    driver.kill()
                helper(world, "deliver", "--now", expected=None)
            server.plan = lambda number: 200
            helper(world, "deliver", "--now", expected=None)
            names = receiver.names(server.counted)
            recorded, delivered, pending, dropped = counts(world)
            check_equal((total, 0), (recorded, pending), f"{receiver.kind}, {guarantee}: recorded and pending")
            if guarantee == "at-least-once":
                check_equal({f"{number}" for number in range(total)}, set(names), f"{receiver.kind}: spans")
                check_equal((total, 0), (delivered, dropped), f"{receiver.kind}: delivered and dropped")
            else:
                check_equal(len(set(names)), len(names), f"{receiver.kind}: none twice")
                # Counted as delivered: the receiver has it. What is unconfirmed it may have.
                check(delivered <= len(names) <= delivered + dropped and delivered + dropped == total, f"{receiver.kind}: {delivered}, {dropped}, {len(names)} of {total}")
            afresh(world)


@test("delivery/several", "H12")
def several(world):
    """OTLP, Zipkin and the file at once: each gets every span; one that fails delays only itself."""
    otlp, zipkin = world.closes(PushReceiver()), world.closes(PushReceiver(lambda number: 503 if number == 0 else 202))
    world.manifest("", {"backends": [{"name": "o", "kind": "otlp", "endpoint": otlp.url, "signals": "events spans"}, {"name": "z", "kind": "zipkin", "endpoint": zipkin.url},
                                     {"name": "f", "kind": "file", "path": world.path("log.jsonl")}]})
    driver = record(world, 0, 10)
    driver.track(0)
    driver.close(0, 5000)
    driver.leave()
    helper(world, "deliver", expected=None)
    check_equal(10, len(OTLP.names([request for request in otlp.requests if request.path == "/v1/traces"])), "at OTLP")
    check_equal(["/v1/logs", "/v1/traces"], sorted({request.path for request in otlp.requests}), "paths at OTLP")
    check_equal(0, len(zipkin.counted), "at Zipkin")
    helper(world, "deliver", "--now")
    check_equal([f"{number}" for number in range(10)], sorted(Zipkin.names(zipkin.counted)), "at Zipkin, later")
    with open(world.path("log-spans.jsonl")) as file:
        check_equal(10, len(file.readlines()), "in the file")
    with open(world.path("log.jsonl")) as file:
        check_equal(1, len(file.readlines()), "events in the file")
    check_equal(10, len(OTLP.names([request for request in otlp.requests if request.path == "/v1/traces"])), "at OTLP, once")


@test("delivery/abandoned", "H9 H12")
def abandoned(world):
    """A killed program's open spans reach OTLP and Zipkin as failed, with what was known of them."""
    for receiver in RECEIVERS:
        server = arrange(world, receiver)
        driver = record(world, 0, 1, detached=1)
        driver.begin(0, 1, "open", 3, ROOT)
        driver.attributes(1, *attributes(a=1))
        driver.begin(0, 2, "open but ok", 1, 1)
        driver.status(2, 1, NULL)
        driver.kill()
        helper(world, "deliver", "--now")
        check_equal(["0", "open", "open but ok"], sorted(receiver.names(server.requests)), receiver.kind)
        if receiver is OTLP:
            spans = {span["name"]: span for spans in decoded(server.requests) for span in spans}
            check_equal(("STATUS_CODE_ERROR", "STATUS_CODE_OK"), (spans["open"]["status"]["code"], spans["open but ok"]["status"]["code"]), "statuses")
            check("abandoned" in spans["open"]["status"]["message"], f"{spans['open']}")
        afresh(world)


@test("delivery/status-messages", "H12")
def status_messages(world):
    """A message goes only with an error: not with what became ok later, or by then has none."""
    server = arrange(world, OTLP)
    driver = Driver(world)
    driver.open(manifest=world.manifest_file)
    for number, calls in enumerate(([(2, "first"), (1, NULL)], [(2, "first"), (2, "second")], [(2, "only")], [(1, NULL), (2, "late")])):
        driver.begin(0, 0, f"{number}", 1, ROOT)
        for code, message in calls:
            driver.status(0, code, message)
        driver.end(0)
    driver.close(0, 10000)
    driver.leave()
    spans = sorted((span for spans in decoded(server.requests) for span in spans), key=lambda span: span["name"])
    check_equal([{"code": "STATUS_CODE_OK"}, {"code": "STATUS_CODE_ERROR", "message": "second"}, {"code": "STATUS_CODE_ERROR", "message": "only"}, {"code": "STATUS_CODE_OK"}],
                [span["status"] for span in spans], "statuses")


@test("delivery/show", "B3 H12")
def show(world):
    """`show --signal spans` shows what waits, `--wire` the bytes that are sent, and `--sent` what was; the chain of the audit log holds."""
    for receiver in RECEIVERS:
        server = arrange(world, receiver, compression="none", **({"protocol": "http/json"} if receiver is OTLP else {}))
        driver = record(world, 0, 3, detached=1)
        driver.kill()
        shown = [json.loads(line) for line in helper(world, "show", "--signal", "spans", "--json").stdout.splitlines()]
        check_equal(["0", "1", "2"], sorted(name_in(each) for each in shown), f"{receiver.kind}: show")
        wire = helper(world, "show", "--wire", "--signal", "spans").stdout
        check(KEY not in wire, "the key is shown")
        helper(world, "deliver", "--now")
        check(server.requests[0].body.decode() in wire, f"the body is not what was shown: {wire}")
        sent = [json.loads(line) for line in helper(world, "show", "--sent", "--signal", "spans", "--json").stdout.splitlines()]
        check_equal(["0", "1", "2"], sorted(name_in(each) for each in sent), f"{receiver.kind}: sent")
        helper(world, "show", "--sent", "--verify", "--signal", "spans")
        check_equal("", helper(world, "show", "--signal", "spans", "--json").stdout, "waiting after delivery")
        afresh(world)


def name_in(line):
    return (line.get("event") or line)["name"]


def damaged(image, generator):
    """A file of open spans whose records say something that no span says; each part fits into its record."""
    image = renewed(image, generator)
    for slot in range(20):
        at = HEADER_BYTES + slot * SLOT_BYTES + 16
        change = generator.randrange(8)
        if change == 0:
            image[at + 48:at + 72] = bytes(24)
        elif change == 1:
            image[at + 84:at + 87] = generator.randbytes(3)
        elif change == 2:
            struct.pack_into("<q", image, at + 16, generator.getrandbits(64) - (1 << 63))
        elif change == 3:
            struct.pack_into("<q", image, at + 40, generator.getrandbits(64) - (1 << 63))
        elif change == 4:
            image[at + 104:at + 110] = generator.randbytes(6)
        elif change == 5:
            image[at + 88:at + 100] = generator.randbytes(12)
        elif change == 6:
            image[at + 72:at + 80] = generator.randbytes(8)
        else:
            # The key of the attribute, behind a name of six bytes and "n", and its header.
            image[at + 118:at + 121] = generator.randbytes(3)
    return image


@test("delivery/damaged", "H12 storage")
def damaged_spans(world):
    """What a damaged file says of a span never becomes a request that a strict receiver refuses."""
    generator = random.Random(5)
    otlp, zipkin = world.closes(PushReceiver()), world.closes(PushReceiver())
    json_ = world.closes(PushReceiver())
    world.manifest("", {"backends": [{"name": "o", "kind": "otlp", "endpoint": otlp.url, "signals": "spans"}, {"name": "z", "kind": "zipkin", "endpoint": zipkin.url},
                                     {"name": "j", "kind": "otlp", "endpoint": json_.url, "signals": "spans", "protocol": "http/json"}]})
    driver = Driver(world)
    driver.open(manifest=world.manifest_file, detached=1)
    for number in range(20):
        driver.begin(0, number, f"span {number % 10}", 1, ROOT)
        driver.attributes(number, *attributes(number=number))
    driver.kill()
    name, = [name for name in os.listdir(spool(world)) if name.endswith(".open")]
    with open(os.path.join(spool(world), name), "rb") as file:
        image = file.read()
    for _ in range(30):
        with open(os.path.join(spool(world), name), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(damaged(image, generator))
        helper(world, "deliver", "--now", expected=None, timeout=30)
        for each in os.listdir(spool(world)):
            if each.endswith((".open", ".seg")):
                os.remove(os.path.join(spool(world), each))
    sent = len(OTLP.names(otlp.requests)), len(OTLP.names(json_.requests)), len(Zipkin.names(zipkin.requests))
    check(min(sent) > 300, f"{sent} spans")
    return f"{sent} spans of 600"
