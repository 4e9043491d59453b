#!/usr/bin/env python3
"""A strict receiver of the generic HTTP JSON wire and of Zipkin's spans, and a misbehaving one when asked.

    receiver.py [--host ADDRESS] [--port N] [--log FILE] [--cert FILE --key FILE]

Prints "listening PORT" once it does. Every request becomes one JSON line in the log: method, path,
headers, number of the connection, body (decompressed), "length": its bytes as received, "problem": what is wrong with it (null: nothing), and
"answer": the status it is answered with (null: none).
A request with a problem is answered 400 by every behaviour that answers at all.

What it does with a POST is named by the path; /events, and /api/v2/spans with spans, do what was last written to /-/mode
(a path of this list; /status/200 at first):

    /status/CODE[?retry-after=VALUE]   answers that
    /redirect/CODE?to=URL              leads there
    /loop                              leads to itself
    /hang                              reads the request and never answers
    /late/MILLISECONDS                 200 after so long
    /deaf                              does not even read it
    /reset                             resets the connection
    /trickle                           200, then a byte of body every 100 ms, without end
    /slow-header                       a byte of header every 100 ms, without end
    /endless                           200 and a body without end, as fast as it goes
    /endless-header                    200 and header lines without end
    /cut-page                          200 and the header of a page, then closes
    /early-413                         413 before the body was read, then closes
    /limit/COUNT                       200 for at most so many events in a request, else 413

A POST to /deletion asks for erasure instead; what it does is written to /-/deletion in the same way.
"""
import argparse
import gzip
import itertools
import json
import os
import re
import socket
import ssl
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

FIELDS = ["schema_version", "event_id", "timestamp", "type", "name", "machine_id", "tool_name", "version",
          "os", "arch", "os_version", "runtime", "duration_ms", "exit_code", "error_category", "args",
          "error", "metadata"]
SPANS = "/api/v2/spans"
OPTIONAL = {"machine_id", "version", "duration_ms", "exit_code", "error_category", "args", "error", "metadata"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def unique(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key is there twice")
    return result


def event_problem(event):
    if not isinstance(event, dict):
        return "an event is not an object"
    if list(event) != [name for name in FIELDS if name in event]:
        return "fields unknown or out of order: %s" % list(event)
    missing = [name for name in FIELDS if name not in event and name not in OPTIONAL]
    if missing:
        return "fields missing: %s" % missing
    if event["schema_version"] != 1 or not UUID.fullmatch(event["event_id"]):
        return "schema_version or event_id is malformed"
    if not TIME.fullmatch(event["timestamp"]) or not event.get("metadata", True):
        return "timestamp or metadata is malformed"
    return None


def span_problem(span):
    if not isinstance(span, dict):
        return "a span is not an object"
    for name, pattern in {"traceId": r"[0-9a-f]{32}", "id": r"[0-9a-f]{16}"}.items():
        if not re.fullmatch(pattern, span.get(name, "")):
            return "%s is malformed" % name
    if not (span.get("name") and span.get("timestamp") and span.get("duration") and span.get("localEndpoint")):
        return "members missing: %s" % list(span)
    if not all(isinstance(value, str) for value in span.get("tags", {}).values()):
        return "a tag is no text"
    return None


def problem(path, headers, body):
    are_spans = path.startswith(SPANS)
    expected = {"Content-Type": r"application/json", "User-Agent": r"libtelemetry/\d+\.\d+\.\d+"}
    if not are_spans:
        expected["Idempotency-Key"] = UUID.pattern
    for name, pattern in expected.items():
        values = headers.get_all(name) or []
        if len(values) != 1 or not re.fullmatch(pattern, values[0]):
            return "header %s: %s" % (name, values)
    try:
        events = json.loads(body.decode("utf-8"), object_pairs_hook=unique)
    except ValueError as error:
        return "body: %s" % error
    if not isinstance(events, list) or not events:
        return "body is not an array of events or spans"
    return next(filter(None, map(span_problem if are_spans else event_problem, events)), None)


def deletion_problem(headers, body):
    try:
        request = json.loads(body.decode("utf-8"), object_pairs_hook=unique)
    except ValueError as error:
        return "body: %s" % error
    if list(request) != ["machine_id", "tool_name", "requested_at"] or not request["machine_id"]:
        return "members: %s" % list(request)
    if headers.get_all("Content-Type") != ["application/json"] or not TIME.fullmatch(request["requested_at"]):
        return "Content-Type or requested_at is malformed"
    return None


class Receiver(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host, port, log):
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)
        self.log = log
        self.lock = threading.Lock()
        self.mode = "/status/200"
        self.deletion_mode = "/status/202"
        self.connections = itertools.count(1)

    def record(self, entry):
        with self.lock:
            if self.log:
                self.log.write(json.dumps(entry) + "\n")
                self.log.flush()

    def handle_error(self, request, client_address):
        pass  # senders that hang up are what this is for


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.number = next(self.server.connections)
        self.length = 0

    def log_message(self, *_):
        pass

    def answer(self, code, headers=(), body=b"{}"):
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.note(b"", None)
        self.answer(405)

    def do_POST(self):
        if self.path == "/-/mode":
            self.server.mode = self.read().decode().strip()
            return self.answer(200)
        if self.path == "/-/deletion":
            self.server.deletion_mode = self.read().decode().strip()
            return self.answer(200)
        is_deletion = self.path.startswith("/deletion")
        modes = {True: self.server.deletion_mode, False: self.server.mode}
        target = urlsplit(modes[is_deletion] if is_deletion or self.path.startswith(("/events", SPANS)) else self.path)
        name, _, argument = target.path.lstrip("/").partition("/")
        self.query = {key: values[-1] for key, values in parse_qs(target.query).items()}
        if name in ("deaf", "early-413"):
            self.note(b"", None, 413 if name == "early-413" else None)
            return self.do_deaf() if name == "deaf" else self.do_early_413()
        body = self.read()
        wrong = deletion_problem(self.headers, body) if is_deletion else problem(self.path, self.headers, body)
        behaviour = getattr(self, "do_" + name.replace("-", "_"), None)
        if wrong or behaviour is None:
            self.note(body, wrong, 400 if wrong else 404)
            return self.answer(400 if wrong else 404)
        self.note(body, wrong, self.intended(name, argument, body))
        behaviour(argument)

    def intended(self, name, argument, body):
        """The status that a behaviour will answer with, so that the log has it before the sender does."""
        if name == "limit":
            self.code = 200 if len(json.loads(body)) <= int(argument) else 413
            return self.code
        if name in ("status", "redirect"):
            return int(argument)
        return {"loop": 307, "trickle": 200, "endless": 200, "late": 200}.get(name)

    def read(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.length = len(body)
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def note(self, body, wrong, answer=None):
        self.server.record({"method": self.command, "path": self.path, "headers": self.headers.items(),
                            "connection": self.number, "body": body.decode("utf-8", "replace"), "length": self.length, "problem": wrong,
                            "answer": answer})

    def do_status(self, code):
        headers = [("Retry-After", self.query["retry-after"])] if "retry-after" in self.query else []
        self.answer(int(code), headers, b"" if code in ("204", "304") else b"{}")

    def do_limit(self, _):
        self.answer(self.code)

    def do_redirect(self, code):
        self.answer(int(code), [("Location", self.query["to"])])

    def do_loop(self, _):
        self.answer(307, [("Location", "/loop")])

    def do_hang(self, _):
        time.sleep(3600)

    def do_late(self, milliseconds):
        time.sleep(int(milliseconds) / 1000)
        self.answer(200)

    def do_deaf(self):
        time.sleep(3600)

    def do_reset(self, _):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def do_early_413(self):
        self.close_connection = True
        self.answer(413, [("Connection", "close")])

    def endless_body(self, chunk, pause):
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 40))
        self.end_headers()
        while True:
            self.wfile.write(chunk)
            time.sleep(pause)

    def do_trickle(self, _):
        self.endless_body(b"x", 0.1)

    def do_endless(self, _):
        self.endless_body(b"x" * 65536, 0)

    def do_cut_page(self, _):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "1000")
        self.end_headers()

    def do_slow_header(self, _):
        for byte in itertools.chain(b"HTTP/1.1 200 OK\r\nX: ", itertools.repeat(120)):
            self.wfile.write(bytes([byte]))
            time.sleep(0.1)

    def do_endless_header(self, _):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")


def main():
    parser = argparse.ArgumentParser(description="strict receiver of HTTP JSON")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    options = parser.parse_args()
    receiver = Receiver(options.host, options.port, open(options.log, "a") if options.log else None)
    if options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.key)
        receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
    print("listening %d" % receiver.server_address[1], flush=True)
    # Not to outlive whoever started it: its standard input ends with that process.
    threading.Thread(target=lambda: (os.read(0, 1), os._exit(0)), daemon=True).start()
    receiver.serve_forever(0.05)


if __name__ == "__main__":
    main()
