"""H2, H3, H5: what a real Prometheus, promtool and other parsers make of the text."""
import http.server
import json
import os
import random
import signal
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import programs
from suite import check, check_equal, test
from world import BUILD, TOOL

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.path.join(BUILD, "venv", "bin", "python3")

# server: a program with an HTTP server of its own; prints its port, serves until its standard input ends.
SERVER = programs.PRELUDE + r"""
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

int main(void)
{
    telemetry_collector *telemetry = opened(NULL, 0);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 8) || getsockname(listener, (struct sockaddr *)&address, &length))
        return 1;
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    struct pollfd files[] = {{listener, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    static char request[8192], text[4 << 20], head[300];
    while (poll(files, 2, -1) > 0 && !files[1].revents) {
        int client = accept(listener, NULL, NULL);
        size_t size = 0;
        while (size < sizeof request - 1) {
            ssize_t got = read(client, request + size, sizeof request - 1 - size);
            if (got <= 0) break;
            request[size += (size_t)got] = 0;
            if (strstr(request, "\r\n\r\n")) break;
        }
        char *accept = strcasestr(request, "\r\naccept:"), *end = accept ? strstr(accept + 2, "\r\n") : NULL;
        if (end) *end = 0;
        const char *type;
        size_t count = telemetry_metrics_write(telemetry, accept ? accept + 9 : NULL, text, sizeof text, &type);
        int head_size = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", type, count);
        if (write(client, head, (size_t)head_size) < 0 || write(client, text, count) < 0) return 2;
        close(client);
    }
    telemetry_close(telemetry, 0);
    return 0;
}
"""


class HelperServer:
    """What `telemetry metrics` prints, over HTTP."""

    def __init__(self, world, format_):
        type_ = {"prometheus": "text/plain; version=0.0.4; charset=utf-8", "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8"}[format_]

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = subprocess.run([f"{BUILD}/bin/telemetry", "metrics", "--tool", TOOL, "--format", format_], env=world.environment,
                                      capture_output=True, check=True).stdout
                self.send_response(200)
                self.send_header("Content-Type", type_)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        world.closes(self)

    @property
    def port(self):
        return self.server.server_port

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Prometheus:
    def __init__(self, world, targets, *flags):
        self.log = world.path("prometheus.log")
        with open(world.path("prometheus.yml"), "w") as file:
            json.dump({"global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
                       "scrape_configs": [{"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for name, port in targets.items()]}, file)
        self.port = free_port()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={world.path('prometheus.yml')}", f"--storage.tsdb.path={world.path('tsdb')}",
                 f"--web.listen-address=127.0.0.1:{self.port}", *flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=world.root)
        world.closes(self)
        deadline = time.monotonic() + 60
        while True:
            try:
                if all(self.query(f'up{{job="{name}"}}') == 1 for name in targets):
                    break
            except OSError:
                pass
            check(time.monotonic() < deadline and self.process.poll() is None, f"no scrape: {self.text()[-1500:]}")
            time.sleep(0.1)

    def query(self, expression):
        """The value of the only series, or None."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(url, timeout=30) as answer:
            result = json.load(answer)["data"]["result"]
        check(len(result) < 2, f"{expression}: {result}")
        return float(result[0]["value"][1]) if result else None

    def await_value(self, expression, expected):
        deadline = time.monotonic() + 30
        while (value := self.query(expression)) != expected and time.monotonic() < deadline:
            time.sleep(0.1)
        check_equal(expected, value, expression)

    def text(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def check_log(self):
        bad = [line for line in self.text().splitlines() if "level=warn" in line or "level=error" in line]
        check(not bad, "\n".join(bad[:5]))

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port():
    import socket
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


def serve(world):
    program = world.program("server", SERVER)
    child = subprocess.Popen([program], env=world.environment, cwd=world.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    class Closing:
        def close(self):
            child.stdin.close()
            child.wait(30)

    world.closes(Closing())
    return int(child.stdout.readline())


@test("prometheus/scrapes", "H3")
def scrapes(world):
    """A real Prometheus scrapes a program's own server and the helper's text, in both formats, without a warning."""
    world.telemetry("enable")
    for number in range(3):
        world.telemetry("count", "http.requests", "--attribute", "path=a\"b\\c\nd", "--attribute", f"n:int={number}", "--by", str(number + 1))
    world.telemetry("gauge", "temperature.now", "-3.25")
    for value in ("0.25", "0.5", "5", "100"):
        world.telemetry("observe", "took", value)
    prometheus = Prometheus(world, {"own": serve(world), "text": HelperServer(world, "prometheus").port, "openmetrics": HelperServer(world, "openmetrics").port})
    for job in ("own", "text", "openmetrics"):
        prometheus.await_value(f'http_requests_total{{job="{job}",n="2",path="a\\"b\\\\c\\nd"}}', 3)
        prometheus.await_value(f'temperature_now{{job="{job}"}}', -3.25)
        prometheus.await_value(f'took_bucket{{job="{job}",le="0.5"}}', 2)
        prometheus.await_value(f'took_bucket{{job="{job}",le="+Inf"}}', 4)
        prometheus.await_value(f'took_sum{{job="{job}"}}', 105.75)
        check_equal(1, prometheus.query(f'up{{job="{job}"}}'), "up")
    prometheus.check_log()
    done = subprocess.run(["promtool", "check", "metrics"], input=world.telemetry("metrics").stdout, text=True, capture_output=True)
    check_equal((0, ""), (done.returncode, done.stdout + done.stderr), "promtool")


@test("prometheus/short-programs", "H2")
def short_programs(world):
    """While short programs come and go, and are killed, Prometheus sees one counter without a reset."""
    world.telemetry("enable")
    program = world.program("recorder", programs.RECORDER)
    world.run([program, "1"])
    prometheus = Prometheus(world, {"own": serve(world)})
    prometheus.await_value('requests_total{from="c"}', 1)
    random.seed(5)
    acknowledged, unknown = 1, 0
    for number in range(400):
        is_killed = number % 5 == 0
        process = subprocess.Popen([program, "3000" if is_killed else "7"], env=world.environment, cwd=world.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if is_killed:
            time.sleep(random.uniform(0, 0.004))
            process.send_signal(signal.SIGKILL)
        out, _ = process.communicate()
        check(b"?" not in out, "an addition was refused")
        acknowledged += out.count(b"+")
        unknown += is_killed
        time.sleep(0.005)
    deadline = time.monotonic() + 30
    while not acknowledged <= (value := prometheus.query('requests_total{from="c"}')) <= acknowledged + unknown and time.monotonic() < deadline:
        time.sleep(0.1)
    check(acknowledged <= value <= acknowledged + unknown, f"{value}, {acknowledged} returned, {unknown} killed")
    check_equal(0, prometheus.query('resets(requests_total{from="c"}[10m])'), "resets")
    # increase() goes from the first sample, 1, to the last one, and extrapolates to both ends of the range.
    seen = prometheus.query('max_over_time(requests_total{from="c"}[10m]) - min_over_time(requests_total{from="c"}[10m])')
    check_equal(value - 1, seen, "the increase between samples")
    increase = prometheus.query('increase(requests_total{from="c"}[10m])')
    check(increase >= seen, f"increase() is {increase}, {seen} between the samples")
    check_equal(0, prometheus.query("count(min_over_time(up[10m]) == 0) or vector(0)"), "scrapes that failed")
    prometheus.check_log()


@test("prometheus/parsers", "H3")
def parsers(world):
    """prometheus_client's parsers take both texts, and see the same values."""
    world.telemetry("enable")
    world.telemetry("count", "a.b", "--by", "2.5", "--attribute", "x=1")
    world.telemetry("count", "a.b", "--by", "2", "--attribute", "job=j", "--attribute", "le=l", "--attribute", "ü=ä")
    world.telemetry("observe", "h", "3")
    script = (
        "import sys, json\n"
        "from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics\n"
        "from prometheus_client.parser import text_string_to_metric_families as text\n"
        "parse = openmetrics if sys.argv[1] == 'openmetrics' else text\n"
        "print(json.dumps(sorted([s.name, sorted(s.labels.items()), s.value] for f in parse(sys.stdin.read()) for s in f.samples if not s.name.endswith('_created'))))\n")
    found = {}
    for format_ in ("prometheus", "openmetrics"):
        done = subprocess.run([PYTHON, "-c", script, format_], input=world.telemetry("metrics", "--format", format_).stdout, text=True, capture_output=True)
        check_equal("", done.stderr, f"{format_}: errors")
        found[format_] = json.loads(done.stdout)
    check_equal(found["prometheus"], found["openmetrics"], "the samples")
    check(["a_b_total", [["x", "1"]], 2.5] in found["prometheus"], f"{found['prometheus'][:5]}")
    labels = [each[1] for each in found["prometheus"] if each[0] == "a_b_total" and len(each[1]) == 3]
    check_equal([[["_", "ä"], ["exported_job", "j"], ["exported_le", "l"]]], labels, "labels")


@test("prometheus/textfile", "H7")
def textfile(world):
    """The textfile is replaced at once: a reader never finds a part of it."""
    world.telemetry("enable")
    told = "".join(f"a key={number}\n" for number in range(500))
    subprocess.run([f"{BUILD}/bin/telemetry", "count", "--batch", "-", "--tool", TOOL], input=told, text=True, env=world.environment, check=True)
    path = world.path("metrics.prom")
    world.telemetry("metrics", "--textfile", path)
    check_equal(0o644, os.stat(path).st_mode & 0o777, "mode")
    sizes = set()
    writer = subprocess.Popen(["sh", "-c", f"for i in $(seq 40); do {BUILD}/bin/telemetry metrics --tool {TOOL} --textfile {path}; done"], env=world.environment)
    while writer.poll() is None:
        with open(path) as file:
            sizes.add(len(file.read().splitlines()))
    check_equal({502}, sizes, "lines")
    check_equal([], [name for name in os.listdir(world.root) if name.startswith(".metrics.prom")], "files left behind")
    done = world.telemetry("metrics", "--textfile", world.path("nowhere", "x.prom"), expected=5)
    check("No such file" in done.stderr, done.stderr)


@test("prometheus/types-of-one-label", "H3")
def types_of_one_label(world):
    """A status as a number from one program and as a text from another is one series to Prometheus, with the sum of both."""
    world.telemetry("enable")
    world.telemetry("count", "answers", "--by", "1000", "--attribute", "status:int=200")
    world.telemetry("count", "answers", "--by", "7", "--attribute", "status=200")
    for value, kind in (("0.5", ":int"), ("9", ""), ("0.5", "")):
        world.telemetry("observe", "took", value, "--attribute", f"status{kind}=200")
    for form in ("prometheus", "openmetrics"):
        text = world.telemetry("metrics", "--format", form).stdout
        check('answers_total{status="200"} 1007\n' in text, text)
        check('took_count{status="200"} 3\n' in text and 'took_sum{status="200"} 10' in text, text)
        check_equal(1, text.count("answers_total{"), "lines")
