"""Section G on every backend: asking for erasure by an event, in the form of each receiver, while telemetry is off."""
import json
import os
import socket
from urllib.parse import parse_qs, urlsplit

import stage as stages
from records import EVENTS
from sink import Sink
from suite import check, check_equal, test
from wires import KEY, WIRES, of

TYPE = "data.deletion_request"


def write_manifest(stage, backends, **sections):
    path = stage.path("manifest.json")
    with open(path, "w") as file:
        json.dump({"tool": {"name": stages.TOOL}, "backends": backends, "identity": {"ephemeral": "never"}, **sections}, file)
    stage.environment["TELEMETRY_MANIFEST"] = path


def backend(sink, **more):
    return {**sink.wire.backend, "endpoint": sink.url(), **more}


def refuse(stage):
    """The user has refused, in every way there is."""
    stage.environment["DO_NOT_TRACK"] = "1"
    with open(stage.path("home", ".config", "telemetry", stages.TOOL, "enabled"), "w") as file:
        file.write("false\n")


def ask(stage, expected=0):
    text = stage.helper("request-deletion", "--json", expected=expected)
    check(KEY not in text, f"the key in {text}")
    return json.loads(text) if text else None


def receipts(stage):
    text = stage.helper("request-deletion", "--list", "--json")
    check(KEY not in text, f"the key in {text}")
    return [(each["method"], each["target"], each["machine_id"], each["outcome"]) for each in json.loads(text)["receipts"]]


def with_waiting_event(stage, sink):
    """A tool that has an identifier and an event that could not be delivered. The identifier."""
    write_manifest(stage, [backend(sink)])
    machine_id = stage.helper("machine-id").strip()
    sink.mode = ("status", 503)
    stage.send(f"manifest={stage.path('manifest.json')}", "track=1", "close=5000")
    del sink.requests[:]
    sink.mode = ("accept",)
    return machine_id


for WIRE in of(EVENTS):
    def scenario(stage, wire=WIRE):
        sink = stage.closes(Sink(wire))
        machine_id = with_waiting_event(stage, sink)
        refuse(stage)
        sink.mode = ("status", 401)
        ask(stage, expected=4)
        sink.mode = ("accept",)
        answer = ask(stage)
        check_equal((True, 1, "event", []), tuple(answer[name] for name in ("asked", "identifiers", "method", "problems")), "the answer")
        check_equal([], sink.problems(), "malformed requests")
        check_equal([[(TYPE, machine_id)]] * 2, [[(event.type, event.machine_id) for event in request.events]
                                                 for request in sink.requests], "events in each request")
        check(sink.requests[0].events[0].id != sink.requests[1].events[0].id, "the two requests are one event")
        refused = "failed: HTTP 401: the receiver refuses the key, or requests without one"
        check_equal([("event", sink.url(), machine_id, result) for result in (refused, "accepted")], receipts(stage), "receipts")
    scenario.__doc__ = f"{WIRE.name}: an event asks for erasure while telemetry is off; nothing that waits goes with it."
    test(f"erasure/{WIRE.name}", "G A4 F")(scenario)


@test("erasure/several", "G F")
def several(stage):
    """Of several backends each that took events is asked; when one does not answer, that is not called done."""
    names = ["http", "otlp-json", "posthog"]
    sinks = [stage.closes(Sink(WIRES[name])) for name in names]
    write_manifest(stage, [{"kind": "file"}, *[backend(sink, name=sink.wire.name) for sink in sinks]])
    machine_id = stage.helper("machine-id").strip()
    refuse(stage)
    sinks[1].mode = ("status", 500)
    stage.helper("request-deletion", expected=4)
    check_equal([1, 1, 1], [len(sink.requests) for sink in sinks], "requests")
    sinks[1].mode = ("accept",)
    check_equal(True, ask(stage)["asked"], "asked")
    for sink in sinks:
        check_equal([(TYPE, machine_id)] * 2, [(event.type, event.machine_id) for request in sink.requests for event in request.events],
                    f"events that {sink.wire.name} got")
    check_equal(["accepted", "failed: HTTP 500", "accepted"] + ["accepted"] * 3, [outcome for *_, outcome in receipts(stage)], "receipts")


@test("erasure/beside", "G F")
def beside(stage):
    """Beside one that answers, a backend that acknowledges nothing is named as such."""
    sink = stage.closes(Sink(WIRES["http"]))
    write_manifest(stage, [backend(sink), {"kind": "splunk_udp", "endpoint": "udp://127.0.0.1:9"}])
    stage.helper("machine-id")
    answer = ask(stage)
    check_equal((True, 1), (answer["asked"], len(answer["problems"])), "asked, and problems")
    check("'splunk_udp'" in answer["problems"][0], f"problems {answer['problems']}")


@test("erasure/partial", "G F")
def partial(stage):
    """OTLP: a 200 that rejects the event is no yes; a 200 with a warning is."""
    sink = stage.closes(Sink(WIRES["otlp-json"]))
    write_manifest(stage, [backend(sink)])
    stage.helper("machine-id")
    sink.mode = ("status", 200, b'{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no room"}}')
    ask(stage, expected=4)
    sink.mode = ("status", 200, b'{"partialSuccess":{"errorMessage":"the name is deprecated"}}')
    check_equal(True, ask(stage)["asked"], "asked")


@test("erasure/cannot", "G F")
def cannot(stage):
    """A backend that cannot erase is named as such, with a reason, and nothing is made or sent."""
    for chosen, named in [({"kind": "file"}, "'file'"), ({"kind": "noop"}, "'noop'")]:
        write_manifest(stage, [chosen])
        stage.helper("machine-id")
        problems = ask(stage, expected=4)["problems"]
        check(len(problems) == 1 and named in problems[0], f"{chosen['kind']}: problems {problems}")
    check_equal([], receipts(stage), "receipts")


@test("erasure/datagram", "G F")
def datagram(stage):
    """By datagrams the event is sent, and the receipt does not say more than that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(20)
        write_manifest(stage, [{"kind": "splunk_udp", "endpoint": f"udp://127.0.0.1:{receiver.getsockname()[1]}"}])
        machine_id = stage.helper("machine-id").strip()
        refuse(stage)
        answer = ask(stage)
        check_equal((True, "event", 1), (answer["asked"], answer["method"], len(answer["problems"])), "the answer")
        check("'splunk_udp' acknowledges nothing" in answer["problems"][0], f"problems {answer['problems']}")
        line = receiver.recv(65536).decode()
        check(f"type={TYPE}" in line.replace('"', "") and machine_id in line, line)
    check_equal(["sent; nothing acknowledges it"], [outcome for *_, outcome in receipts(stage)], "receipts")


@test("erasure/mail", "G F")
def mail(stage):
    """The author's address goes before an event: the user sends the e-mail, the receiver hears nothing."""
    sink = stage.closes(Sink(WIRES["otlp-protobuf"]))
    write_manifest(stage, [backend(sink)], deletion={"email": "priv+acy@example.org", "subject": "Löschen: a&b = 100 % + ?"})
    machine_id = stage.helper("machine-id").strip()
    refuse(stage)
    answer = ask(stage)
    url = urlsplit(answer["mailto"])
    query = parse_qs(url.query, strict_parsing=True)
    check_equal(("mailto", "priv%2Bacy@example.org", ["subject", "body"]), (url.scheme, url.path, list(query)), "the address")
    check(all(0x21 <= ord(letter) < 0x7F for letter in answer["mailto"]) and "+" not in answer["mailto"], f"not encoded: {answer['mailto']}")
    check_equal(["Löschen: a&b = 100 % + ?"], query["subject"], "subject")
    check(f"\r\n{machine_id}\r\n" in query["body"][0], f"body {query['body']}")
    check_equal([], sink.requests, "requests")
    check_equal([("email", "priv+acy@example.org", machine_id, "printed for the user to send")], receipts(stage), "receipts")


@test("erasure/key", "G F")
def no_key(stage):
    """A key that cannot be read is said, by the name of its variable, and nothing is sent."""
    sink = stage.closes(Sink(WIRES["datadog"]))
    write_manifest(stage, [{"kind": "datadog", "endpoint": sink.url(), "api_key_env": "ITEST_KEY"}])
    stage.helper("machine-id")
    problems = ask(stage, expected=4)["problems"]
    check("ITEST_KEY" in problems[0], f"problems {problems}")
    check_equal([], sink.requests, "requests")
    stage.environment["ITEST_KEY"] = KEY
    check_equal(True, ask(stage)["asked"], "asked")
    check(os.environ.get("ITEST_KEY") is None and len(sink.requests) == 1, "requests")
