"""Usage: otlp_request.py FILE RECORDS. Writes a whole HTTP request into FILE: so many of the events that benchmarks/src/payload.h
describes, as log records of OTLP in protobuf, as the Python exporter sends them (benchmarks/src/otlp_exporter.py)."""
import sys
import time

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest


def attribute(into, key, value):
    made = into.add(key=key)
    kind = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}[type(value)]
    setattr(made.value, kind, value)


def request(count):
    message = ExportLogsServiceRequest()
    resource = message.resource_logs.add()
    for key, value in (("service.name", "bench-otlp"), ("service.version", "1.0.0"), ("os.type", "linux"), ("host.arch", "amd64")):
        attribute(resource.resource.attributes, key, value)
    scope = resource.scope_logs.add()
    scope.scope.name, scope.scope.version = "bench", "1.0.0"
    for i in range(count):
        now = time.time_ns()
        record = scope.log_records.add(time_unix_nano=now, observed_time_unix_nano=now, severity_number=9)
        record.body.string_value = "build"
        for key, value in (("target", "x86_64-unknown-linux-gnu"), ("compiler", "swift-6.3.1-release"), ("files", i), ("seconds", i * 0.25),
                           ("cached", i & 1 == 1)):
            attribute(record.attributes, key, value)
    return message.SerializeToString()


with open(sys.argv[1], "wb") as file:
    body = request(int(sys.argv[2]))
    head = f"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: {len(body)}\r\n\r\n"
    file.write(head.encode() + body)
