"""Usage: metrics_page.py SERIES. The HTTP server of prometheus_client with so many series of one counter, on a port of its own, which is
printed: the series that benchmarks/src/metrics.h makes, with the label that an agent adds. Until it is ended."""
import sys
import threading

import prometheus_client

prometheus_client.disable_created_metrics()
registry = prometheus_client.CollectorRegistry()
counter = prometheus_client.Counter("requests", "requests", ["tool", "method", "status"], registry=registry)
for i in range(int(sys.argv[1])):
    counter.labels("bench", f"method{i % 10}", str(i // 10 % 1000)).inc(i)
server, thread = prometheus_client.start_http_server(0, "127.0.0.1", registry)
print(server.server_port, flush=True)
threading.Event().wait()
