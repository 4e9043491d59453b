#!/usr/bin/env bash
# statsdly 0.4.1 (PyPI): a counter that was counted to 1234567 within one interval reaches Graphite as 1.23457e+06.
#
# The server adds exactly, and then writes each value with `%g`, which keeps six significant digits. So a sum from a
# million on is rounded before it is sent, and so is a gauge: one that shows 16777217 bytes arrives as 16777200. Graphite's
# own protocol takes any number of digits, and stores what it got. Nothing says that digits are missing.
#
# It surprises because small values are exact, and because the rounding is larger than what is sampled or lost: an interval
# with 1000001 and one with 1000004 requests look the same. Whoever checks such a server by its counts, as a benchmark does,
# has to keep the intervals short.
#
# Seen:
#   requests.count 1.23457e+06
#   small.count 123456
#   memory 1.67772e+07
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check statsdly==0.4.1

cat >look.py <<'P'
import socket
import subprocess
import time

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
with socket.create_server(("127.0.0.1", 0)) as graphite, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    graphite.settimeout(20)
    server = subprocess.Popen(["venv/bin/statsdly", "-l", f"127.0.0.1:{port}", "-f", "2",
                               "-g", f"127.0.0.1:{graphite.getsockname()[1]}"])
    try:
        client.connect(("127.0.0.1", port))
        for _ in range(100):
            try:
                client.send(b"\n")
                client.send(b"\n")
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        client.send(b"requests:1234567|c\nsmall:123456|c\nmemory:16777217|g\n")
        connection, _ = graphite.accept()
        with connection, connection.makefile() as lines:
            for _ in range(3):
                print(*next(lines).split()[:2])
    finally:
        server.terminate()
        server.wait()
P
venv/bin/python look.py | tee seen
diff - seen <<'S'
requests.count 1.23457e+06
small.count 123456
memory 1.67772e+07
S
