"""H7: `telemetry metrics --push`, to a real Pushgateway and to receivers that behave badly."""
import base64
import http.server
import json
import re
import subprocess
import threading
import time
import urllib.request

from suite import check, check_equal, test
from test_prometheus import free_port
from world import TOOL

SECRET = "s3cret:pass/word"


class Gateway:
    """Debian's prometheus-pushgateway."""

    def __init__(self, world, *arguments):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = world.path("pushgateway.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{self.port}", *arguments], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=world.root)
        world.closes(self)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.groups()
                break
            except OSError:
                check(time.monotonic() < deadline, "no Pushgateway")
                time.sleep(0.05)

    def text(self):
        with urllib.request.urlopen(self.url + "/metrics", timeout=30) as answer:
            return answer.read().decode()

    def samples(self):
        """The lines of pushed metrics, without what the gateway adds."""
        return sorted(line for line in self.text().splitlines() if re.match(r"\w+\{.*job=", line) and not line.startswith("push_"))

    def groups(self):
        with urllib.request.urlopen(self.url + "/api/v1/metrics", timeout=30) as answer:
            return [each["labels"] for each in json.load(answer)["data"]]

    def close(self):
        self.process.kill()
        self.process.wait()


class Stub:
    """Answers every request with what it is told to, and keeps what came."""

    def __init__(self, world, status=200, body=b"", headers=()):
        self.requests = []
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                stub.requests.append((self.command, self.path, dict(self.headers), self.rfile.read(length).decode()))
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_PUT = do_POST = do_GET = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        world.closes(self)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@test("push/gateway", "H7")
def gateway(world):
    """A real Pushgateway has exactly the tool's metrics: what is gone here is gone there, other groups stay."""
    receiver = Gateway(world)
    world.telemetry("count", "http.requests", "--by", "3", "--attribute", "job=a", "--attribute", "instance=b")
    world.telemetry("observe", "took", "0.25")
    done = world.telemetry("metrics", "--push", receiver.url)
    check_equal(("", ""), (done.stdout, done.stderr), "said")
    check_equal([{"job": TOOL}], receiver.groups(), "groups")
    check('http_requests_total{exported_instance="b",exported_job="a",instance="",job="itest"} 3' in receiver.samples(), f"{receiver.samples()}")
    check('took_bucket{instance="",job="itest",le="0.25"} 1' in receiver.samples(), f"{receiver.samples()}")
    done = world.telemetry("metrics", "--push", receiver.url + "/", "--job", "nightly", "--grouping", "instance=host:9", "--grouping", "env=a/b", "--json")
    answer = json.loads(done.stdout)
    check_equal((TOOL, 200), (answer["tool"], answer["status"]), "--json")
    check_equal(1, done.stdout.count("\n"), "lines")
    check({"job": "nightly", "instance": "host:9", "env": "a/b"} in receiver.groups(), f"{receiver.groups()}")
    world.telemetry("reset")
    world.telemetry("enable")
    world.telemetry("count", "other")
    world.telemetry("metrics", "--push", receiver.url)
    check_equal(['other_total{instance="",job="itest"} 1'], [line for line in receiver.samples() if 'job="itest"' in line], "after reset")
    check(any('job="nightly"' in line and line.startswith("http_requests_total") for line in receiver.samples()), "the other group")
    world.telemetry("reset")
    world.telemetry("metrics", "--push", receiver.url)
    check_equal([], [line for line in receiver.samples() if 'job="itest"' in line], "of a tool without metrics")
    with open(receiver.log) as log:
        bad = [line for line in log.read().splitlines() if "level=error" in line or "level=warn" in line]
    check_equal([], bad, "the gateway's log")


@test("push/values", "H7")
def values(world):
    """Every value of a label arrives as it is, whatever is in it."""
    receiver = Gateway(world)
    world.telemetry("count", "a")
    given = ["x", "a b", "a/b", "/", "ä€😀", "", ".", "..", "a%2Fb", "a+b=c&d?e#f", '"\\', "@base64", "~_.-", "\x7f", "a" * 300]
    for value in given:
        world.telemetry("metrics", "--push", receiver.url, "--job", value or "empty", "--grouping", f"g={value}")
    check_equal(sorted((value or "empty", value) for value in given), sorted((each["job"], each.get("g", "")) for each in receiver.groups()), "groups")
    for arguments in (["--job", ""], ["--grouping", "x"], ["--grouping", "=x"], ["--grouping", "1a=x"], ["--grouping", "__a=x"], ["--grouping", "a-b=x"],
                      ["--grouping", "job=x"], ["--grouping", "a=x", "--grouping", "a=y"], ["--format", "json"], ["--textfile", "x"]):
        done = world.telemetry("metrics", "--push", receiver.url, *arguments, expected=2)
        check(done.stderr.startswith("telemetry: metrics: "), done.stderr)
    world.telemetry("metrics", "--job", "x", expected=2)
    for url in ("", "localhost:9091", "ftp://localhost", "http://", "http://localhost/?a=b", "http://localhost/#a", f"http://{SECRET}%@localhost",
                f"http://{SECRET}@example.org", "http://local host"):
        done = world.telemetry("metrics", "--push", url, expected=2)
        check("s3cret" not in done.stderr and "--push: " in done.stderr, done.stderr)


@test("push/refused", "H7")
def refused(world):
    """What is not taken ends with 4, and says why; nothing is taken for granted but 200 and 202."""
    world.telemetry("count", "a")
    done = world.telemetry("metrics", "--push", f"http://127.0.0.1:{free_port()}", expected=4)
    check(re.fullmatch(r"telemetry: metrics: not pushed: http://127\.0\.0\.1:\d+/metrics/job/itest: .*onnect.*\n", done.stderr), done.stderr)
    # The gateway's own words: another group has this metric as another type.
    receiver = Gateway(world)
    request = urllib.request.Request(receiver.url + "/metrics/job/other", b"# TYPE a_total gauge\na_total 1\n", method="PUT")
    with urllib.request.urlopen(request, timeout=30):
        pass
    done = world.telemetry("metrics", "--push", receiver.url, expected=None)
    check(done.returncode == 0 or "HTTP 400: " in done.stderr, done.stderr)
    for status in (201, 204, 302, 401, 404, 413, 500, 503):
        stub = Stub(world, status, b"reason \x1b[31m of the receiver\nmore")
        done = world.telemetry("metrics", "--push", stub.url, expected=4)
        check(f"HTTP {status}" in done.stderr and "\x1b" not in done.stderr and "more" not in done.stderr, done.stderr)
    for status in (200, 202):
        world.telemetry("metrics", "--push", Stub(world, status).url)
    html = Stub(world, 404, b"<html>page</html>", [("Content-Type", "text/html")])
    check("<html>" not in world.telemetry("metrics", "--push", html.url, expected=4).stderr, "a page")
    with __import__("socket").create_server(("127.0.0.1", 0)) as silent:
        done = world.telemetry("metrics", "--push", f"http://127.0.0.1:{silent.getsockname()[1]}", "--timeout-ms", "300", expected=4)
        check("no answer in time" in done.stderr or "Timeout was reached" in done.stderr, done.stderr)


@test("push/secret", "H7")
def secret(world):
    """A password in the URL goes to the gateway, in a header, and nowhere else."""
    world.telemetry("count", "a", "--by", "2")
    stub = Stub(world, 200)
    with_secret = stub.url.replace("http://", "http://us%40er:s3cret%3Apass%2Fword@")
    done = world.telemetry("metrics", "--push", with_secret + "/prefix", "--json")
    check("s3cret" not in done.stdout + done.stderr and "us@er" not in done.stdout, done.stdout)
    method, path, headers, body = stub.requests[0]
    check_equal(("PUT", f"/prefix/metrics/job/{TOOL}"), (method, path), "the request")
    check_equal("Basic " + base64.b64encode(b"us@er:" + SECRET.encode()).decode(), headers["Authorization"], "the password")
    check_equal("text/plain; version=0.0.4; charset=utf-8", headers["Content-Type"], "Content-Type")
    check_equal(world.telemetry("metrics").stdout, body, "the text")
    refusing = Stub(world, 401)
    done = world.telemetry("metrics", "--push", refusing.url.replace("http://", "http://u:s3cret@"), expected=4)
    check("s3cret" not in done.stderr, done.stderr)
    # A redirect to another origin does not get it.
    target = Stub(world, 200)
    for status in (301, 307, 308):
        stub = Stub(world, status, headers=[("Location", target.url + "/elsewhere")])
        world.telemetry("metrics", "--push", stub.url.replace("http://", "http://u:s3cret@"))
        method, path, headers, body = target.requests[-1]
        check_equal(("PUT", "/elsewhere", None), (method, path, headers.get("Authorization")), f"after {status}")
        check("a_total 2" in body, body)
