"""J3 and J9: OTLP to a running agent, from the socket to the tool's receiver."""
import json
import os
import socket
import time

from agents import TELEMETRY, TOOL, Agent, adopting, environment_of, manifest, names, pending, wait_until
from listening import connect
from origin import Origin
from receiving import PYTHON, accepted, client, refused, run_shell
from suite import check, check_equal, test
from world import BUILD

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))

SDK = """
import logging
import sys
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
base, tool = sys.argv[1:3]
resource = Resource.create({"service.name": tool})
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(base + "/v1/logs")))
logger = logging.getLogger("x")
logger.setLevel(logging.INFO)
logger.addHandler(LoggingHandler(logger_provider=logs))
logger.info("from the SDK")
traces = TracerProvider(resource=resource)
traces.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(base + "/v1/traces")))
with traces.get_tracer("t").start_as_current_span("work"):
    pass
meters = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter(base + "/v1/metrics"), export_interval_millis=1e9)])
meters.get_meter("m").create_counter("runs").add(2)
for each in (logs, traces, meters):
    each.shutdown()
"""


def logs(tool, *names):
    records = [{"eventName": name} for name in names]
    return json.dumps({"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": tool}}]},
                                         "scopeLogs": [{"logRecords": records}]}]})


def post(body, *fields, length=None):
    body = body.encode() if isinstance(body, str) else body
    head = ["POST /v1/logs HTTP/1.1", "Host: localhost", "Content-Type: application/json", f"Content-Length: {len(body) if length is None else length}", *fields]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def ask(agent, request):
    with connect(agent.socket) as made:
        made.sendall(request)
        return made.recv(65536).decode()


@test("received/curl", "J3")
def curl(world):
    """curl over the Unix socket: 200 when it is recorded, and delivered within a second."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url)
    agent = Agent(world)
    begun = time.monotonic()
    said = run_shell(world, f"curl -sS --noproxy '*' --unix-socket {agent.socket} -H 'Content-Type: application/json' -d '{logs(TOOL, 'from curl')}' http://localhost/v1/logs")
    check_equal("{}", said, "the answer")
    wait_until(lambda: names(origin) == ["from curl"], "the event")
    took = time.monotonic() - begun
    check(took < 1, f"delivered after {took} s")
    agent.end()
    return f"delivered after {took:.2f} s"


@test("received/sdk", "J3")
def sdk(world):
    """OpenTelemetry's SDK for Python over a port: logs, spans and metrics."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url)
    agent = Agent(world, "--listen", "127.0.0.1:0")
    client(world, SDK, f"http://127.0.0.1:{agent.port}", TOOL)
    check_equal((1, 1), (accepted(agent, "otlp_logs"), accepted(agent, "otlp_metrics")), f"recorded; refused: {refused(agent, 'otlp_logs')}, {refused(agent, 'otlp_metrics')}")
    check_equal(1, accepted(agent, "otlp_traces") + sum(refused(agent, "otlp_traces").values()), "spans")
    wait_until(lambda: "from the SDK" in names(origin), "the event")
    agent.end()


@test("received/example", "J3 J8")
def example(world):
    """examples/python/08-opentelemetry.py: nothing and no word before the yes, with a refusing variable, or without an agent; with all three, what its manifest lists."""
    source = os.path.join(ROOT, "examples", "python", "08-opentelemetry")
    with open(source + ".py") as file:
        program = file.read()
    origin = world.closes(Origin())
    tools = world.path("home", ".local", "share", "telemetry", "tools")
    os.makedirs(tools)
    with open(source + ".yaml") as file, open(os.path.join(tools, "notes.yaml"), "w") as installed:
        installed.write(file.read().replace("https://telemetry.example.org", origin.url))

    def run(**variables):
        environment = {**environment_of(world), "PATH": f"{BUILD}/bin:{os.environ['PATH']}", **variables}
        done = world.run([PYTHON, "-c", program], environment=environment, preexec_fn=adopting)
        check_equal(("", ""), (done.stdout, done.stderr), "what it prints")

    def received(agent):
        return sum(accepted(agent, way) + sum(refused(agent, way).values()) for way in ("otlp_logs", "otlp_traces", "otlp_metrics"))

    agent = Agent(world, "--listen", "127.0.0.1:0")
    run()
    world.run([TELEMETRY, "enable", "--tool", "notes"], preexec_fn=adopting)
    for refusing in ({"DO_NOT_TRACK": "1"}, {"NOTES_NO_TELEMETRY": "1"}, {"NOTES_TELEMETRY_ENABLED": "false"}):
        run(**refusing)
    check_equal(0, received(agent), "sent to the agent without a yes for that run")
    run()
    check_equal(3, received(agent), "sent to it")
    wait_until(lambda: {"/v1/logs", "/v1/traces", "/v1/metrics"} <= {asked.path for asked in origin.requests}, "all three are delivered")
    body = b"".join(asked.bytes for asked in origin.requests)
    check(b"note.saved" in body and b"notes.saved" in body, "an event and a counter")
    check(b"code." not in body and ROOT.encode() not in body, "where in the source it was made")
    agent.end()
    run()


@test("received/manifest", "J3 C10")
def its_manifest(world):
    """Records of each tool follow the manifest that is installed for it, whatever the agent's environment names."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url)
    manifest(world, "other", origin.url)
    installed = world.path("home", ".local", "share", "telemetry", "tools")
    agent = Agent(world, environment={"TELEMETRY_MANIFEST": os.path.join(installed, TOOL + ".yaml")})
    for tool in (TOOL, "other"):
        check(ask(agent, post(logs(tool, tool))).startswith("HTTP/1.1 200"), f"the answer to {tool}")
    wait_until(lambda: sorted(names(origin)) == sorted((TOOL, "other")), f"both are delivered: {names(origin)}")
    check_equal((2, {}), (accepted(agent, "otlp_logs"), refused(agent, "otlp_logs")), "recorded, and what is refused")
    agent.end()


@test("received/circle", "J3 H14")
def circle(world):
    """What the agent sends never comes back to it for ever: not by a variable in its environment, and not by own.yaml."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    manifest(world, TOOL, "http://127.0.0.1:1", delivery={"mode": "agent"})
    agent = Agent(world, "--listen", address, environment={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + address})
    run = ["--tool", TOOL, "--name", "once", "--", "true"]
    world.run([TELEMETRY, "span", *run], environment={**environment_of(world), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + address})
    wait_until(lambda: agent.status()["requests_refused"] > 0, "it is refused")
    time.sleep(1)
    check_equal(0, accepted(agent, "otlp_traces"), "spans that came back")
    own = json.loads(world.run([TELEMETRY, "status", "--json", "--tool", TOOL]).stdout)["own"]["spans"]
    check_equal((1, 1), (own["recorded"], own["pending"]), "recorded and kept")
    agent.end()


@test("received/variable", "J1 H15")
def variable(world):
    """A run whose variables name a receiver of spans delivers by itself in mode agent: the agent does not know them."""
    receiver = world.closes(Origin())
    manifest(world, TOOL, "http://127.0.0.1:1", delivery={"mode": "agent"})
    agent = Agent(world)
    world.run([TELEMETRY, "span", "--tool", TOOL, "--name", "once", "--", "true"],
              environment={**environment_of(world), "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
    wait_until(lambda: any(asked.path == "/v1/traces" for asked in receiver.requests), "the span is delivered")
    agent.end()


@test("received/consent", "J3 J8")
def consent(world):
    """Nothing without consent: it is refused as OTLP says, counted, and leaves no file."""
    origin = world.closes(Origin())
    manifest(world, "refusing", origin.url)
    with open(world.path("home", ".config", "telemetry", "refusing", "enabled"), "w") as file:
        file.write("false\n")
    agent = Agent(world)
    for tool, why in (("refusing", "no_consent"), ("never-seen", "unknown_tool")):
        answer = ask(agent, post(logs(tool, "x", "y")))
        check(answer.startswith("HTTP/1.1 200 ") and '"rejectedLogRecords":"2"' in answer, answer)
        check_equal(2, refused(agent, "otlp_logs")[why], why)
        check(not os.path.exists(world.path("home", ".local", "state", "telemetry", tool)), f"a directory of {tool}")
    time.sleep(0.5)
    check_equal([], origin.requests, "requests")
    agent.end()


@test("received/room", "J3 J9")
def room(world):
    """Bodies have 32 MiB together. One that finds no room is told to come again, with 503 and Retry-After, and then is taken."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    agent = Agent(world)
    held = []
    for _ in range(2):
        made = connect(agent.socket)
        made.sendall(post(b"{" + b" " * ((16 << 20) - 2), length=16 << 20))
        held.append(made)
    time.sleep(0.5)
    answer = ask(agent, post(logs(TOOL, "x")))
    check(answer.startswith("HTTP/1.1 503 ") and "\r\nRetry-After: 2\r\n" in answer, answer)
    for made in held:
        made.close()
    wait_until(lambda: ask(agent, post(logs(TOOL, "x"))).startswith("HTTP/1.1 200 "), "room")
    agent.end()


@test("received/kill", "J3 J9")
def kill(world):
    """What was answered with 200 survives kill -9."""
    manifest(world, TOOL, "http://127.0.0.1:1")
    for number in range(1, 11):
        agent = Agent(world)
        answer = ask(agent, post(logs(TOOL, *(f"{number}.{each}" for each in range(50)))))
        agent.kill()
        check(answer.startswith("HTTP/1.1 200 "), answer)
        check_equal(50 * number, pending(world), "events that wait")


@test("received/identity", "D J3 J5")
def identity(world):
    """What others send has the identifier of the tool's own programs; an ephemeral one is that of the agent, for as long as it lives."""
    origin = world.closes(Origin())
    manifest(world, TOOL, origin.url)
    agent = Agent(world)

    def got(name):
        """The identifier of that event, once it is there; it is sent in two ways."""
        ask(agent, post(logs(TOOL, name)))
        with connect(agent.socket) as made:
            made.sendall(json.dumps({"tool": TOOL, "name": name}).encode() + b"\n")
            made.recv(65536)
        events = lambda: [event for asked in origin.requests for event in json.loads(asked.body) if event["name"] == name]  # noqa: E731
        wait_until(lambda: len(events()) == 2, f"the two events {name}")
        check_equal(1, len({event["machine_id"] for event in events()}), "identifiers")
        return events()[0]["machine_id"]

    check_equal(world.run([TELEMETRY, "machine-id", "--tool", TOOL]).stdout.strip(), got("first"), "the identifier of the tool's programs")
    manifest(world, TOOL, origin.url, identity={"ephemeral": "always"})
    time.sleep(1.2)
    ephemeral = got("second")
    # Meanwhile the agent has let go of the tool.
    time.sleep(1.2)
    check_equal(ephemeral, got("third"), "the identifier a little later")
    check(ephemeral.startswith("ephemeral-"), ephemeral)
    agent.end()
    agent = Agent(world)
    check(got("fourth") not in (ephemeral, ""), "the identifier of the next agent")
    agent.end()
