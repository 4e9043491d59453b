"""Usage: otlp_exporter.py EVENTS URL COMPRESSION. The events that benchmarks/src/payload.h describes, made beforehand and
exported by the Python OTLP exporter in requests of 512, as its batch processor does: {"events_per_s", "cpu_s"}."""
import sys
import time

from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LogData, LogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

BATCH = 512


def records(count):
    resource = Resource({"service.name": "bench", "service.version": "1.0.0", "os.type": "linux", "host.arch": "amd64"})
    scope = InstrumentationScope("bench", "1.0.0")
    for i in range(count):
        now = time.time_ns()
        attributes = {"target": "x86_64-unknown-linux-gnu", "compiler": "swift-6.3.1-release", "files": i, "seconds": i * 0.25,
                      "cached": i & 1 == 1, "event.id": f"{i:032x}", "event.type": "feature.used"}
        record = LogRecord(timestamp=now, observed_timestamp=now, severity_number=SeverityNumber.INFO, body="build", attributes=attributes,
                           resource=resource)
        yield LogData(record, scope)


def main(count, url, compression):
    exporter = OTLPLogExporter(endpoint=url, compression=Compression(compression))
    data = list(records(count))
    begin, cpu = time.monotonic(), time.process_time()
    for start in range(0, count, BATCH):
        result = exporter.export(data[start:start + BATCH])
        if result.name != "SUCCESS":
            sys.exit(f"not exported: {result}")
    span = time.monotonic() - begin
    print(f'{{"events_per_s": {count / span:.0f}, "cpu_s": {time.process_time() - cpu:.3f}}}')


main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
