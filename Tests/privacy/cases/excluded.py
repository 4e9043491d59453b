"""A field that the author has left out is in no byte that waits, leaves, is kept or is shown, on any wire."""
import json
import os
import signal
import socket
import subprocess
import time

import fixture
from cases.canaries import check_absent, check_control
from key_value import DatagramReceiver
from machine import preload
from suite import check, check_equal, test
from vendor_receiver import VendorReceiver

DURATION = 123456789
ARGUMENT, ERROR = "canary-argument-77d1", "canary error: connection refused"
TRAITS = {"version": "9.8.7-canary", "version of the program": "1.2.3", "os": "canaryos", "arch": "canary-arch", "os_version": "77.88", "duration": str(DURATION),
          "duration, raw": DURATION.to_bytes(8, "little"), "duration, as a varint": b"\x95\x9a\xef\x3a", "error_category": "canary-category",
          "args": ARGUMENT, "error": ERROR}
# Where a value could be anything, its name says that it is there.
NAMES = {f"the name {name}": name for name in ("machine_id", "machine.id", "os_version", "os.version", "host.arch", "telemetry.runtime", '"runtime"', "runtime=",
                                               "exit_code", "process.exit.code", "duration_ms", "error_category", "error.type", "service.instance.id",
                                               "service.version", "tool_version", "libtelemetry/0.1.0")}
EXCLUDED = "[machine_id, version, os, arch, os_version, runtime, duration_ms, exit_code, error_category, args, error]"
KINDS = {"http": "kind: http", "otlp": "kind: otlp", "otlp-json": "kind: otlp, protocol: http/json", "splunk_udp": "kind: splunk_udp",
         "segment": "kind: segment, api_key: k", "posthog": "kind: posthog, api_key: k", "datadog": "kind: datadog, api_key: k",
         "splunk_hec": "kind: splunk_hec, api_key: k", "clickhouse": "kind: clickhouse", "file": "kind: file"}


class Sink:
    """Takes every request and every datagram."""

    def __init__(self):
        self.server = VendorReceiver(lambda request: None, 200)
        self.udp = DatagramReceiver()

    def taken(self):
        return b"\n".join([request.body for request in self.server.taken()] + self.udp.all())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()
        self.udp.close()


def prepare(box, sink, backend, *, excluded, fields="", more=()):
    """The manifest, where the helper, the tool and an agent find it."""
    url = sink.udp.url if "splunk_udp" in backend else sink.server.url
    endpoint = "" if "kind: file" in backend else f', endpoint: "{url}"'
    lines = ["tool: {name: mytool, version: 9.8.7-canary}", f"backend: {{{backend}{endpoint}{fields}}}", "identity: {ephemeral: never}",
             "extended_collection: true", "delivery: {mode: in-process, flush_interval_ms: 3600000}", *more]
    if excluded:
        lines.append(f"fields: {{exclude: {EXCLUDED}}}")
    box.write("mytool.yaml", "\n".join(lines) + "\n")
    box.write("data/telemetry/tools/mytool.yaml", "\n".join(lines) + "\n", 0o644)
    if "LD_PRELOAD" not in box.environment:
        box.environment["LD_PRELOAD"] = preload(box.path("machine.so"), "CANARYOS", "77.88.99", "canary-arch")
        box.telemetry_enable()


def record(box):
    box.telemetry("command", "--", "sh", "-c", f"true {ARGUMENT}")
    box.telemetry("command", "deploy", "--duration-ms", str(DURATION), "--exit-code", "77")
    box.use("--events", 2, "--argument", ARGUMENT, "--error", ERROR)


def shown(box):
    found = {}
    for command in (["show"], ["show", "--json"], ["show", "--wire"], ["show", "--sent"], ["export", "--format", "jsonl"]):
        text = box.execute(box.command(*command)).stdout
        # Every request names the library, and a table has its columns.
        lines = [line for line in text.split(b"\n") if not line.startswith(b"User-Agent: ")]
        if command[0] == "export":
            lines = [repr([value for value in json.loads(line).values() if value is not None]).encode() for line in lines if line]
        found[f"telemetry {' '.join(command)}"] = b"\n".join(lines)
    return found


def kept(box):
    return {name: content for name, content in fixture.files_below(box.state()).items() if not name.endswith(("salt", "machine-id"))}


def journey(box, kind, older):
    """`older`: events wait that were recorded before the author left the fields out."""
    canaries = {**TRAITS, **NAMES}
    with Sink() as sink:
        prepare(box, sink, KINDS[kind], excluded=not older)
        if older:
            box.use("--events", 2, "--argument", ARGUMENT, "--error", ERROR)
            canaries["machine id"] = box.telemetry("machine-id").strip()
            check(len(canaries["machine id"]) == 32, "no machine id")
            prepare(box, sink, KINDS[kind], excluded=True)
        record(box)
        if not older:
            check_equal("", box.telemetry("machine-id", "--quiet"), "machine-id")
            check_absent(canaries, kept(box))
        places = shown(box)
        box.telemetry("deliver", "--now")
        places.update(shown(box))
        # Columns have names, whatever is in them.
        places["the wire"] = sink.taken() if kind != "file" else kept(box)["events.jsonl"]
        check_control({"the wire": places["the wire"]}, "visible-control")
        check_absent(canaries, {**places, **kept(box)})
        names = os.listdir(box.state())
        check(older or not {"salt", "machine-id"} & set(names), f"an identifier is kept: {names}")
        check_equal(0, box.status()["events"]["pending"], "events that wait")


def _add(kind):
    def fresh(box):
        journey(box, kind, older=False)

    def older(box):
        journey(box, kind, older=True)

    fresh.__doc__ = f"Over {kind}: left out from the first event on; no identifier is made."
    older.__doc__ = f"Over {kind}: events that were recorded before the fields were left out are sent, kept and shown without them."
    test(f"excluded/{kind}", "D3 F C6")(fresh)
    test(f"excluded/older-{kind}", "D3 F C6")(older)


for _kind in KINDS:
    _add(_kind)


@test("excluded/spans", "D3 H9")
def spans(box):
    """Spans over OTLP, in both forms, and Zipkin."""
    for backend in ("kind: otlp, signals: [spans]", "kind: otlp, protocol: http/json, signals: [spans]", "kind: zipkin"):
        with Sink() as sink:
            prepare(box, sink, backend, excluded=True, more=["command_spans: true"])
            box.telemetry("span", "--name", "visible-control", "--", "sh", "-c", f"exit 7; : {ARGUMENT}", codes=(7,))
            box.telemetry("command", "--", "sh", "-c", f"true {ARGUMENT}")
            places = {"show": box.telemetry("show", "--signal", "spans", codes=(0, 1, 3)).encode(),
                      "show --wire": box.telemetry("show", "--signal", "spans", "--wire", codes=(0, 1, 3)).encode()}
            box.telemetry("deliver", "--now", codes=(0, 1, 3))
            places["the wire"] = sink.taken()
            check_control({"the wire": places["the wire"]}, "visible-control")
            check_absent({**TRAITS, **NAMES}, {**places, **kept(box)})


@test("excluded/metrics", "D3 H5")
def metrics(box):
    """Metrics over OTLP: the resource has neither version nor instance."""
    for protocol in ("http/protobuf", "http/json"):
        with Sink() as sink:
            prepare(box, sink, f"kind: otlp, protocol: {protocol}, signals: [metrics]", excluded=True)
            box.telemetry("count", "visible.control")
            box.telemetry("flush", codes=(0, 1, 3))
            box.telemetry("deliver", "--now", codes=(0, 1, 3))
            places = {"the wire": sink.taken(), "metrics": box.telemetry("metrics").encode()}
            check_control({"the wire": places["the wire"]}, "visible.control")
            check_absent({**TRAITS, **NAMES}, {**places, **kept(box)})


@test("excluded/agent", "D3 J5")
def agent(box):
    """What the agent records for others, and sends, and its previews."""
    with Sink() as sink:
        prepare(box, sink, KINDS["http"], excluded=True)
        child = subprocess.Popen([box.programs.path("telemetry"), "agent"], env=box.environment, cwd=box.root, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        box.children.append(child)
        path = child.stderr.readline().partition("unix:")[2].split(" ")[0].rstrip(";\n")
        line = {"tool": "mytool", "type": "command.invocation", "name": "visible-control", "duration_ms": DURATION, "exit_code": 77,
                "error_category": "network", "error": ERROR}
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(json.dumps(line).encode() + b"\n")
            client.shutdown(socket.SHUT_WR)
            check(b'"ok"' in client.recv(4096), "the agent does not take it")
        end = time.monotonic() + 20
        while b"visible-control" not in sink.taken() and time.monotonic() < end:
            time.sleep(0.02)
        places = {"the wire": sink.taken(), **shown(box)}
        child.send_signal(signal.SIGTERM)
        child.wait(20)
        check_control({"the wire": places["the wire"]}, "visible-control")
        check_absent({**TRAITS, **NAMES}, {**places, **kept(box)})


@test("excluded/version-alone", "D3 F")
def version_alone(box):
    """Only the version is collected: with everything else left out, and a shape of one name."""
    with Sink() as sink:
        prepare(box, sink, KINDS["http"], excluded=False, fields=", fields: {version: $version}",
                more=["fields: {exclude: [machine_id, os, arch, os_version, runtime, duration_ms, exit_code, error_category, args, error]}"])
        record(box)
        box.telemetry("deliver", "--now")
        found = [event for body in sink.taken().splitlines() for event in json.loads(body)]
        check(len(found) >= 4, f"{len(found)} events")
        check(all(event in ({"version": "9.8.7-canary"}, {"version": "1.2.3"}) for event in found), found)
        check("service.instance.id" not in str(kept(box)), "an instance")


@test("excluded/said", "C10 B3")
def said(box):
    """`status`, `show --schema` and `manifest docs` say what is left out, and do not list it."""
    with Sink() as sink:
        prepare(box, sink, KINDS["http"], excluded=True)
        names = EXCLUDED[1:-1]
        check(f"never recorded:  {names}" in " ".join(box.telemetry("status").split(" ")) or names in box.telemetry("status"), box.telemetry("status"))
        check_equal(names.split(", "), box.status()["excluded"], "status --json")
        schema = json.loads(box.telemetry("show", "--schema", "--json"))
        check_equal(names.split(", "), schema["excluded"], "show --schema --json")
        check(not {field["name"] for field in schema["fields"]} & set(names.split(", ")), "a field that is left out is listed")
        check(f"Never recorded, by the decision of the author: {names}." in box.telemetry("show", "--schema"), "show --schema")
        check(f"Never recorded, by the decision of the author: {names}." in box.telemetry("manifest", "docs"), "manifest docs")


@test("excluded/control", "D3")
def control(box):
    """Without `exclude`, each of them is on the wire, and the search finds it."""
    with Sink() as sink:
        prepare(box, sink, KINDS["http"], excluded=False)
        record(box)
        box.telemetry("deliver", "--now")
        wire = {"the wire": sink.taken()}
        for what in ("version", "os", "arch", "os_version", "duration", "args", "error"):
            check_control(wire, TRAITS[what])
        for name in ("machine_id", '"runtime"', "exit_code", "error_category", "libtelemetry/0.1.0"):
            check_control(wire, name)
