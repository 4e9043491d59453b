"""The receiver of OTLP, driven without its HTTP server (driver/): a process that is given requests and answers them."""
import base64
import gzip
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from google.rpc import status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
PROTOBUF, JSON = "application/x-protobuf", "application/json"
RESPONSES = {"logs": logs.ExportLogsServiceResponse, "traces": traces.ExportTraceServiceResponse, "metrics": metrics.ExportMetricsServiceResponse}
REJECTED = {"logs": "rejected_log_records", "traces": "rejected_spans", "metrics": "rejected_data_points"}


def built():
    """The driver: TELEMETRY_OTLP_DRIVER, or made as what ships is made."""
    given = os.environ.get("TELEMETRY_OTLP_DRIVER")
    if given:
        return given
    subprocess.run(["make", "--quiet", "build/test-programs/otlp-driver"], cwd=ROOT, check=True, stdout=sys.stderr)
    return os.path.join(ROOT, "build", "test-programs", "otlp-driver")


class Answer:
    def __init__(self, signal, status, content_type, retry_after, body):
        self.signal, self.status, self.content_type, self.retry_after, self.body = signal, status, content_type, retry_after, body

    @property
    def message(self):
        """The answer's own message, which must be exactly what the protocol says."""
        kind = RESPONSES[self.signal] if self.status == 200 else status_pb2.Status
        if self.content_type == JSON:
            return json_format.Parse(self.body, kind())
        assert self.content_type == PROTOBUF, self.content_type
        return kind.FromString(self.body)

    @property
    def rejected(self):
        """Of a 200: how many, and why."""
        assert self.status == 200, (self.status, self.body)
        partial = self.message.partial_success
        return getattr(partial, REJECTED[self.signal]), partial.error_message


class Receiver:
    """One process of the driver. `environment`: of a world."""

    def __init__(self, driver, environment, *arguments):
        self.process = subprocess.Popen([driver, *map(str, arguments)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lock = threading.Lock()

    def send(self, signal, body, content_type=PROTOBUF, encoding=""):
        with self.lock:
            out, into = self.process.stdin, self.process.stdout
            out.write(f"{signal}\t{content_type}\t{encoding}\t{len(body)}\n".encode() + body)
            out.flush()
            line = into.readline().decode().rstrip("\n")
            if not line:
                raise AssertionError(f"the receiver ended with {self.process.wait()}")
            status, kind, retry, length = line.split("\t")
            return Answer(signal, int(status), kind, int(retry) if retry else None, into.read(int(length)))

    def post(self, message, form="protobuf"):
        """A request of the protocol's own types, in one of the forms."""
        signal = {"Logs": "logs", "Trace": "traces", "Metrics": "metrics"}[type(message).__name__[6:-14]]
        if form == "gzip":
            return self.send(signal, gzip.compress(message.SerializeToString()), PROTOBUF, "gzip")
        if form == "json":
            return self.send(signal, as_json(message), JSON)
        return self.send(signal, message.SerializeToString())

    def kill(self):
        self.process.kill()
        self.close()

    def close(self):
        """Ends it."""
        if self.process.stdin.closed:
            return
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.stdout.close()
        self.process.wait(timeout=30)


def as_json(message):
    """OTLP's JSON: protobuf's, with ids as hexadecimal digits and enumerations as integers."""
    def fix(value):
        if isinstance(value, list):
            return [fix(each) for each in value]
        if isinstance(value, dict):
            return {key: base64.b64decode(each).hex() if key in ("traceId", "spanId", "parentSpanId") else fix(each) for key, each in value.items()}
        return value

    return json.dumps(fix(json_format.MessageToDict(message, use_integers_for_enums=True))).encode()


class Server:
    """OTLP/HTTP in front of a receiver, for SDKs."""

    def __init__(self, receiver):
        answers = self.answers = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = receiver.send(self.path.removeprefix("/v1/"), body, self.headers.get("Content-Type", ""),
                                       self.headers.get("Content-Encoding", ""))
                answers.append(answer)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                if answer.retry_after is not None:
                    self.send_header("Retry-After", str(answer.retry_after))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
