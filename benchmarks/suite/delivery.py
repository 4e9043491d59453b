"""How fast a full spool is emptied: to a file, and over HTTP to nginx, beside the Python OTLP exporter."""
import contextlib
import os
import shutil
import socket
import subprocess
import time

from . import peers, place
from .report import spread

EVENTS = 500_000
PEER_EVENTS = 20_000
CONTESTANTS = [("file", "none"), ("http", "none"), ("otlp", "none"), ("otlp", "gzip")]
TARGET = 2_000_000

NGINX = """daemon off; master_process off; pid {work}/pid; error_log {work}/error;
events {{}}
http {{
    log_format sizes "$request_length $http_content_length"; access_log {work}/sizes sizes;
    client_body_temp_path {work}/body; client_max_body_size 0; client_body_buffer_size 16m; keepalive_requests 1000000;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} }}
}}
"""


class Server:
    def __init__(self, process, port, sizes):
        self.process, self.url, self.sizes = process, f"http://127.0.0.1:{port}/v1/logs", sizes

    def cpu(self):
        """Seconds of processor time so far."""
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def received(self):
        """Bytes of all requests, head and body, since it was asked last. The server notes a request when it is done with it."""
        time.sleep(0.3)
        with open(self.sizes, "r+") as file:
            total = sum(map(int, file.read().split()))
            file.truncate(0)
        return total


@contextlib.contextmanager
def nginx():
    """A server that reads every body and answers 200."""
    work = place.WORK / "nginx"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (work / "conf").write_text(NGINX.format(work=work, port=port))
    process = subprocess.Popen(["nginx", "-p", str(work), "-c", str(work / "conf")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield Server(process, port, work / "sizes")
    finally:
        process.terminate()
        process.wait()


def measure(server, kind, compression):
    place.fresh_home()
    output = place.WORK / "lines.jsonl"
    output.unlink(missing_ok=True)
    server.received()
    before = server.cpu()
    target = output if kind == "file" else server.url
    result, = place.run_json([place.PROGRAMS / "deliver-telemetry", EVENTS, kind, target, compression])
    result["server_s"] = server.cpu() - before
    sent = output.stat().st_size if kind == "file" else server.received()
    result["bytes"] = sent / EVENTS
    output.unlink(missing_ok=True)
    return result


def measure_peer(server, python, compression):
    before = server.cpu()
    server.received()
    program = place.SOURCES / "otlp_exporter.py"
    result, = place.run_json([python, program, PEER_EVENTS, server.url, compression])
    return {"events_per_s": result["events_per_s"], "user_s": result["cpu_s"] * EVENTS / PEER_EVENTS, "system_s": 0,
            "server_s": (server.cpu() - before) * EVENTS / PEER_EVENTS, "bytes": server.received() / PEER_EVENTS}


def measure_plain():
    output = place.WORK / "lines.jsonl"
    result, = place.run_json([place.PROGRAMS / "json-lines", EVENTS, output])
    size = output.stat().st_size / EVENTS
    output.unlink()
    return {**result, "user_s": result["cpu_s"], "system_s": 0, "server_s": 0, "bytes": size}


def report_delivery(report, library, rounds=3):
    """Events wait in the spool, in segments of 4 MiB; then one flush sends them all."""
    samples = {}
    with nginx() as server:
        python = peers.otlp_exporter()
        for _ in range(rounds):
            samples.setdefault("fprintf of the same line, no spool", []).append(measure_plain())
            for compression in ("none", "gzip"):
                samples.setdefault(label("Python OTLP exporter", compression), []).append(measure_peer(server, python, compression))
            for kind, compression in CONTESTANTS if library else []:
                samples.setdefault(label("libtelemetry, " + kind, compression), []).append(measure(server, kind, compression))
    rows = []
    for name, results in samples.items():
        middle, low, high = spread([each["events_per_s"] for each in results])
        each = sorted(results, key=lambda one: one["events_per_s"])[len(results) // 2]
        million = 1e6 / EVENTS
        rows.append([name, round(middle), f"{low:,.0f}–{high:,.0f}", f"{(each['user_s'] + each['system_s']) * million:.2f}",
                     f"{each['system_s'] * million:.2f}", f"{each['server_s'] * million:.2f}", round(each["bytes"])])
    report.section("Delivery from a full spool", ["contestant", "events per s", "range", "CPU s per million events", "of it system",
                                                  "nginx, CPU s per million", "bytes per event"], rows,
                   "The audit log is kept, as always. Bytes are those of whole requests, or of the file.")
    if library:
        speed = {row[0]: row[1] for row in rows}
        ours, peer = speed["libtelemetry, otlp"], speed["Python OTLP exporter"]
        report.target("time for an event, OTLP to nginx", 1e9 / ours, 1e9 / TARGET, "ns",
                      f"{ours:,}/s; Python OTLP exporter {peer:,}/s, {ours / peer:.0f} times slower")


def label(name, compression):
    return name if compression == "none" else f"{name}, {compression}"
