"""The peers: their packages, the LTTng session, the receivers they send to."""
import contextlib
import http.server
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import venv

from . import place
from .machine import package_version

PACKAGES = ["libspdlog-dev", "liblttng-ust-dev", "lttng-tools", "bsdutils", "curl", "patchelf", "nginx-light",
            "libnginx-mod-http-echo", "prometheus-cpp-dev"]
PYTHON_CLIENT = "segment-analytics-python"
OTLP_EXPORTER = "opentelemetry-exporter-otlp-proto-http==1.36.0"
TEST_AGENT = "ddapm-test-agent==1.69.1"
PROMETHEUS_CLIENT = "prometheus-client==0.26.0"
STATSDLY = "statsdly==0.4.1"
# Unpacked, not installed: it would start a service.
COLLECTD = "collectd-core"
VENV = place.BUILD / "venv"
UNPACKED = place.BUILD / "unpacked"


def install_packages():
    missing = [name for name in PACKAGES if package_version(name) == "not installed"]
    if missing:
        print("installing", *missing, file=sys.stderr)
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *missing], check=True,
                       stdout=subprocess.DEVNULL, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def python_client():
    """The interpreter that has the analytics client, and the client's version."""
    python = VENV / "bin" / "python"
    if not python.exists():
        venv.create(VENV, with_pip=True)
    show = [str(python), "-m", "pip", "--disable-pip-version-check", "show", PYTHON_CLIENT]
    if subprocess.run(show, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        subprocess.run([*show[:4], "install", "--quiet", PYTHON_CLIENT], check=True)
    text = subprocess.run(show, stdout=subprocess.PIPE, text=True, check=True).stdout
    version = next(line.split()[1] for line in text.splitlines() if line.startswith("Version:"))
    return python, version


def otlp_exporter():
    """The interpreter that has OpenTelemetry's exporter."""
    python, _ = python_client()
    if subprocess.run([str(python), "-c", "import opentelemetry.exporter.otlp.proto.http"], stderr=subprocess.DEVNULL).returncode != 0:
        subprocess.run([str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", OTLP_EXPORTER], check=True)
    return python


def program(requirement, name):
    """What a package of PyPI has in build/venv/bin."""
    python, _ = python_client()
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    shown = subprocess.run([*pip, "show", requirement.partition("==")[0]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    if f"Version: {requirement.partition('==')[2]}" not in shown.splitlines():
        subprocess.run([*pip, "install", "--quiet", requirement], check=True)
    return VENV / "bin" / name


def collectd():
    """The directory that its package is unpacked into."""
    root = UNPACKED / COLLECTD
    if not (root / "usr" / "sbin" / "collectd").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        subprocess.run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", COLLECTD], check=True, cwd=root)
        archive, = root.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", str(archive), str(root)], check=True)
    return root


@contextlib.contextmanager
def lttng_session():
    """A user-space session with both events enabled; the daemon is ours and ends with it. As root
    lttng has one place for all, so a daemon that runs already is used and left running."""
    home = place.WORK / "lttng"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    env = place.environment(HOME=home, LTTNG_HOME=home, LTTNG_UST_REGISTER_TIMEOUT=-1)
    pidfile = home / "sessiond.pid"
    started = not daemon_runs()
    if started:
        place.run(["lttng-sessiond", "--daemonize", "--no-kernel", f"--pidfile={pidfile}"], env=env)
    lttng = lambda *arguments: place.run(["lttng", *arguments], env=env)
    name = f"telemetry-bench-{os.getpid()}"
    try:
        lttng("create", name, f"--output={home / 'trace'}")
        try:
            lttng("enable-channel", "--userspace", "--session", name, "all", "--subbuf-size=1M", "--num-subbuf=16")
            for event in ("telemetry_bench:*", "lttng_ust_tracef:*"):
                lttng("enable-event", "--userspace", "--session", name, "--channel=all", event)
            lttng("start", name)
            yield env, lambda: discarded(lttng("list", name))
        finally:
            lttng("destroy", name)
    finally:
        if started:
            stop(int(pidfile.read_text()))
        shutil.rmtree(home, ignore_errors=True)


def daemon_runs():
    return subprocess.run(["pgrep", "-x", "lttng-sessiond"], stdout=subprocess.DEVNULL).returncode == 0


def discarded(listing):
    return sum(int(line.split(":")[1]) for line in listing.splitlines() if "Discarded events:" in line)


def stop(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        for _ in range(50):
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            if state == "Z":
                return
            time.sleep(0.1)


class Answer200(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.received += 1
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def receiver():
    """An HTTP server that answers 200 to every POST; counts them in `received`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer200)
    server.received = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def syslog_socket():
    """A datagram socket as a syslog daemon has, emptied by a thread."""
    path = place.WORK / "log.socket"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        threading.Thread(target=drain, args=(listener,), daemon=True).start()
        yield path
    path.unlink(missing_ok=True)


def drain(listener):
    with contextlib.suppress(OSError):
        while listener.recv(65536):
            pass


@contextlib.contextmanager
def black_hole():
    """An endpoint that connects and never answers: the kernel accepts, no one reads."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
