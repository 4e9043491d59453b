"""The agent, and the servers that it is measured beside: each runs until its block ends, and leaves nothing behind."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from . import peers, place

TELEMETRY = place.BUILD / "bin" / "telemetry"


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def cpu(process):
    """Seconds of processor time that a process has used so far."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


@contextlib.contextmanager
def started(command, **options):
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def directory():
    """For sockets, whose paths are short."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def install(home, tool, **sections):
    """A tool whose user has agreed, as a package and a person do it. Its receiver is one that nobody reaches: what is recorded stays in
    the spool."""
    tools = home / ".local" / "share" / "telemetry" / "tools"
    tools.mkdir(parents=True, exist_ok=True)
    manifest = {"tool": {"name": tool}, "consent": "opt-out", "identity": {"ephemeral": "never"},
                "backend": {"kind": "http", "endpoint": "http://127.0.0.1:9/"}, **sections}
    (tools / f"{tool}.yaml").write_text(json.dumps(manifest))
    answer = home / ".config" / "telemetry" / tool
    answer.mkdir(parents=True, mode=0o700, exist_ok=True)
    (answer / "enabled").touch(0o600)
    (answer / "enabled").write_text("true\n")


class Agent:
    def __init__(self, process, runtime, port, statsd):
        self.id, self.runtime, self.port, self.statsd = process.pid, runtime, port, statsd

    def status(self):
        return json.loads(place.run([TELEMETRY, "agent", "status", "--json"], env=place.environment(XDG_RUNTIME_DIR=self.runtime)))

    def series(self):
        """{series: value} of its page."""
        lines = page(self.port).splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line and not line.startswith("#")}

    def kept(self, name):
        """A figure of /proc/PID/status."""
        lines = pathlib.Path(f"/proc/{self.id}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


@contextlib.contextmanager
def agent(home=place.HOME, runtime=None):
    """With the tools of that home. `runtime`: where its sockets are."""
    statsd = free_port(socket.SOCK_DGRAM)
    command = [TELEMETRY, "agent", "--listen", "127.0.0.1:0", "--statsd", f"127.0.0.1:{statsd}"]
    with contextlib.nullcontext(runtime) if runtime else directory() as runtime:
        environment = place.environment(HOME=home, XDG_RUNTIME_DIR=runtime)
        with started(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            said = process.stderr.readline()
            if "listening on" not in said:
                raise RuntimeError(f"the agent says {said!r}")
            yield Agent(process, runtime, int(said.split(" and ")[1].split(" ")[0].rstrip(";").rpartition(":")[2]), statsd)


def page(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
    return answer.partition(b"\r\n\r\n")[2].decode()


NGINX = """daemon off; master_process off; pid {work}/pid; error_log {work}/error;
load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;
events {{}}
http {{
    access_log off; client_body_temp_path {work}/body; client_max_body_size 0; client_body_buffer_size 16m; keepalive_requests 1000000000;
    server {{ listen 127.0.0.1:{reading}; location / {{ echo_read_request_body; echo_status 200; echo -n ""; }} }}
    server {{ listen 127.0.0.1:{discarding}; location / {{ return 200; }} }}
}}
"""


@contextlib.contextmanager
def nginx():
    """Two ports, and the process: one reads the body into its memory, the other throws it away in pieces of 4 KiB, which takes longer. Both answer
    with an empty 200."""
    reading, discarding = free_port(), free_port()
    with directory() as work:
        (work / "conf").write_text(NGINX.format(work=work, reading=reading, discarding=discarding))
        with started(["nginx", "-p", work, "-c", work / "conf"], stderr=subprocess.DEVNULL) as process:
            wait_until(lambda: listens(reading) and listens(discarding), "nginx listens")
            yield reading, discarding, process.pid


@contextlib.contextmanager
def test_agent():
    """ddapm-test-agent: the port of its receiver of OTLP, and its process."""
    program = peers.program(peers.TEST_AGENT, "ddapm-test-agent")
    ports = [free_port() for _ in range(4)]
    names = ("--port", "--otlp-http-port", "--otlp-grpc-port", "--web-ui-port")
    options = [word for name, port in zip(names, ports) for word in (name, port)]
    with directory() as work, started([program, *options, "--log-level", "ERROR"], cwd=work, env=place.environment(HOME=work),
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: listens(ports[1]), "ddapm-test-agent listens")
        yield ports[1], process.pid


@contextlib.contextmanager
def prometheus_client(series):
    """The port of its HTTP server."""
    command = [peers.program(peers.PROMETHEUS_CLIENT, "python"), place.SOURCES / "metrics_page.py", series]
    with started(command, env=place.environment(), stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline())
        yield port
        process.stdout.close()


COLLECTD = """BaseDir "{work}"
PIDFile "{work}/pid"
PluginDir "{root}/usr/lib/collectd"
TypesDB "{root}/usr/share/collectd/types.db"
Interval 1
Hostname "bench"
FQDNLookup false
LoadPlugin statsd
LoadPlugin csv
<Plugin statsd>
  Host "127.0.0.1"
  Port "{port}"
</Plugin>
<Plugin csv>
  DataDir "{work}/csv"
  StoreRates false
</Plugin>
"""


@contextlib.contextmanager
def collectd():
    """Its port, its process, and what it has counted: it writes that into a file for each counter every second."""
    root, port = peers.collectd(), free_port(socket.SOCK_DGRAM)
    with directory() as work:
        (work / "conf").write_text(COLLECTD.format(work=work, root=root, port=port))
        with started([root / "usr/sbin/collectd", "-f", "-C", work / "conf"], stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL) as process:
            wait_until(lambda: queued(port) is not None, "collectd listens")
            last = lambda file: float(file.read_text().splitlines()[-1].split(",")[1])
            yield port, process.pid, lambda: sum(last(file) for file in work.glob("csv/*/statsd/derive-*"))


@contextlib.contextmanager
def statsdly():
    """Its port, its process, and what it has counted: it sends that to Graphite every second."""
    port, total = free_port(socket.SOCK_DGRAM), [0.0]
    with socket.create_server(("127.0.0.1", 0)) as graphite:
        threading.Thread(target=gather, args=(graphite, total), daemon=True).start()
        command = [peers.program(peers.STATSDLY, "statsdly"), "-l", f"127.0.0.1:{port}", "-f", "1", "-g", f"127.0.0.1:{graphite.getsockname()[1]}"]
        with started(command, env=place.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            wait_until(lambda: queued(port) is not None, "statsdly listens")
            yield port, process.pid, lambda: total[0]


def gather(listener, total):
    """Lines such as `name.count 7 1790000000`."""
    with contextlib.suppress(OSError):
        connection, _ = listener.accept()
        with connection, connection.makefile() as lines:
            for line in lines:
                total[0] += float(line.split()[1])


def queued(port):
    """Bytes that wait at that port of UDP; None: nobody has it."""
    for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port:
            return int(fields[4].partition(":")[2], 16)
    return None
