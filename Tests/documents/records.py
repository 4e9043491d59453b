"""Real records, one of each kind that the documents show."""
import http.server
import json
import os
import threading

from world import World

#: A member that only records of the kind have.
KINDS = {"requested_at": "a request for erasure", "last_ns": "heartbeat.json", "events": "an entry of the audit log",
         "event": "a line of show --sent --json", "event_id": "an event", "metrics": "an entry of metrics in the audit log"}
_found = {}


def kind(record):
    return next((name for member, name in KINDS.items() if member in record), None)


def real(worlds, name):
    if not _found:
        _collect(worlds)
    return _found[name]


def _collect(worlds):
    """One tool's journey: an event with a heartbeat and a counter, delivered to a receiver of ours, and a request for erasure."""
    bodies = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        world = World(worlds, "records")
        address = f"http://127.0.0.1:{server.server_address[1]}"
        world.file("mytool.yaml", f"tool: {{name: mytool}}\nheartbeat: {{}}\nidentity: {{ephemeral: never}}\n"
                                  f"backends: [{{kind: http, endpoint: {address}/}}, {{kind: otlp, endpoint: {address}, signals: metrics, protocol: http/json}}]\n"
                                  f"deletion: {{endpoint: {address}/erase}}\ndelivery: {{mode: in-process}}\n")
        tool = ["--manifest", "mytool.yaml"]
        world.helper("track", "export", *tool)
        world.helper("count", "exports", *tool)
        world.helper("flush", *tool)
        world.helper("request-deletion", *tool)
        server.shutdown()
    state = os.path.join(world.home, ".local/state/telemetry/mytool")
    _found["an entry of the audit log"] = json.loads(open(f"{state}/sent.jsonl").readline())
    _found["an entry of metrics in the audit log"] = json.loads(open(f"{state}/sent.metrics.jsonl").readline())
    _found["heartbeat.json"] = json.load(open(f"{state}/heartbeat.json"))
    _found["a line of show --sent --json"] = json.loads(world.helper("show", "--sent", "--json", *tool).splitlines()[0])
    _found["an event"] = _found["a line of show --sent --json"]["event"]
    [_found["a request for erasure"]] = [body for body in bodies if "requested_at" in body]
