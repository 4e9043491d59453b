#!/usr/bin/env bash
# statsd 4.0.1 and datadog 0.56.0 (PyPI): the same call, gauge("level", -5) over a Unix stream socket, is two different texts.
#
# In StatsD's protocol a gauge with a sign is relative: `level:-5|g` makes it 5 less. So statsd's client sets a negative value
# in two lines, first 0 and then 5 less. The client for DogStatsD, the dialect of the same name and types, sends the one line,
# and means the value. A server that takes both cannot tell the two meanings apart by the line.
#
# The frames differ too: one client writes lines, the other puts the length before each packet, in 4 bytes, least
# significant first. A server on such a socket has to guess by the first bytes.
#
# It surprises because both call it a gauge, both servers take the other's line without an error, and the values are
# wrong only where a number is negative.
#
# Seen:
#   statsd b'level:0|g\nlevel:-5|g\n'
#   datadog b'\x0b\x00\x00\x00level:-5|g\n'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check statsd==4.0.1 datadog==0.56.0

cat >look.py <<'P'
import os
import socket
import threading

from datadog.dogstatsd import DogStatsd
from statsd import UnixSocketStatsClient


def sent(name, send):
    """What a client writes to a Unix stream socket of that name."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(name)
    listener.listen(1)
    found = []

    def read():
        connection, _ = listener.accept()
        connection.settimeout(2)
        try:
            while data := connection.recv(4096):
                found.append(data)
        except TimeoutError:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    send(os.path.abspath(name))
    reader.join()
    return b"".join(found)


def plain(path):
    client = UnixSocketStatsClient(path)
    client.gauge("level", -5)
    client.close()


print("statsd", sent("statsd.sock", plain))
print("datadog", sent("datadog.sock", lambda path: DogStatsd(
    socket_path="unixstream://" + path, disable_telemetry=True, disable_buffering=True).gauge("level", -5)))
P
venv/bin/python look.py | tee seen
diff - seen <<'S'
statsd b'level:0|g\nlevel:-5|g\n'
datadog b'\x0b\x00\x00\x00level:-5|g\n'
S
