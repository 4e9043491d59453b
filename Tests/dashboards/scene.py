"""What the dashboards show, in small: two servers with Flipt's series (examples/c/10-flipt-metrics), and machines on which people run
a tool, whose metrics the real node_exporter hands on. A real Prometheus scrapes them every second."""
import concurrent.futures
import glob
import http.server
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
BUILD = os.path.abspath(os.environ.get("TELEMETRY_BUILD", os.path.join(ROOT, "build")))
HELPER = os.path.join(BUILD, "bin", "telemetry")
EXPORTER = os.path.join(BUILD, "unpacked", "prometheus-node-exporter", "usr", "bin", "prometheus-node-exporter")
TOOLS = ("mytool", "oldtool", "newtool")
SYSTEMS = ("debian", "debian", "fedora", "ubuntu")
# Command, its share of the runs, its usual duration in seconds.
COMMANDS = (("build", 0.5, 2), ("test", 0.3, 0.8), ("publish", 0.05, 6), ("fmt", 0.15, 0.04))


def environment(home):
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LD_LIBRARY_PATH": f"{BUILD}/lib", "LANG": "C.UTF-8", "HOME": home,
            **{f"{tool.upper()}_TELEMETRY_ENABLED": "1" for tool in (*TOOLS, "flipt")}}


def free_port():
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


class Receiver:
    """Takes most events of one tool, refuses some of another for good, and has no time for the third."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                chance = random.random()
                tool = self.path.strip("/")
                answer = 503 if tool == "oldtool" and chance < 0.8 else 400 if tool == "newtool" and chance < 0.3 else 200
                self.send_response(answer)
                if answer == 503:
                    self.send_header("Retry-After", "2")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Machine:
    """A home with three tools, and node_exporter over the files that they leave."""

    def __init__(self, scene, number):
        self.home, self.system, self.number = scene.path(f"machine-{number}"), SYSTEMS[number % len(SYSTEMS)], number
        self.texts = os.path.join(self.home, "texts")
        self.port, self.environment = free_port(), environment(self.home)
        os.makedirs(self.texts)
        directory = os.path.join(self.home, ".local", "share", "telemetry", "tools")
        os.makedirs(directory)
        with open(os.path.join(ROOT, "dashboards", "fleet-manifest.yaml")) as file:
            manifest = file.read()
        for tool in TOOLS:
            with open(os.path.join(directory, tool + ".yaml"), "w") as file:
                file.write(manifest.replace("name: mytool", "name: " + tool))
                place = f"http://127.0.0.1:{scene.receiver.port}/{tool}"
                file.write(f"identity: {{kind: none}}\nbackends: [{{kind: http, endpoint: '{place}'}}, {{kind: zipkin, endpoint: '{place}'}}]\n")
        self.exporter = scene.start([EXPORTER, "--collector.disable-defaults", "--collector.textfile", f"--collector.textfile.directory={self.texts}",
                                     f"--web.listen-address=127.0.0.1:{self.port}"], self.environment)

    def helper(self, *arguments, text=None):
        done = subprocess.run([HELPER, *arguments], env=self.environment, input=text, text=True, capture_output=True, timeout=60)
        if done.returncode not in (0, 4):
            raise RuntimeError(f"telemetry {' '.join(arguments)}: {done.returncode} {done.stderr}")

    def work(self, elapsed):
        """A second of people who use the tools. Every machine changes to the next version after some time."""
        version = "1.4.0" if elapsed > 20 + 25 * self.number else "1.3.2"
        runs, durations = [], []
        for _ in range(random.randrange(1, 5)):
            command, _, usual = random.choices(COMMANDS, [each[1] for each in COMMANDS])[0]
            # The new version fails more often.
            is_bad = random.random() < (0.12 if version == "1.4.0" else 0.03)
            runs.append(f"command.runs 1 command={command} result={'failed' if is_bad else 'ok'} release={version} system={self.system}\n")
            durations.append(f"command.duration {usual * random.lognormvariate(0, 0.6):.4f} command={command}\n")
        self.helper("count", "--tool", "mytool", "--batch", "-", text="".join(runs))
        self.helper("observe", "--tool", "mytool", "--batch", "-", text="".join(durations))
        for tool in TOOLS:
            for _ in range(random.randrange(1, 3)):
                self.helper("track", "run", "--tool", tool)
            self.helper("span", "--name", "run", "--tool", tool, "--", "true")
            self.helper("flush", "--quiet", "--timeout-ms", "2000", "--tool", tool)
            self.helper("metrics", "--tool", tool, "--delivery", "--textfile", os.path.join(self.texts, tool + ".prom"))


class Scene:
    def __init__(self, machines=4, servers=2):
        self.directory = tempfile.mkdtemp(prefix="telemetry-dashboards-")
        self.started, self.is_over, self.problem = [], threading.Event(), None
        self.begin = time.time()
        self.receiver = Receiver()
        self.servers = [self._server(number) for number in range(servers)]
        self.machines = [Machine(self, number) for number in range(machines)]
        self.pool = concurrent.futures.ThreadPoolExecutor(machines)
        for machine in self.machines:
            self.pool.submit(self._use, machine)
        self.port = free_port()
        self._prometheus()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.pool.shutdown()
        for each in self.started:
            each.terminate()
        for each in self.started:
            try:
                each.wait(20)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()
        self.receiver.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def start(self, command, environment_=None, **options):
        with open(self.path(os.path.basename(command[0]) + f"-{len(self.started)}.log"), "wb") as log:
            self.started.append(subprocess.Popen(command, env=environment_, stdin=subprocess.DEVNULL, stderr=log,
                                                 **{"stdout": log, "cwd": self.directory, **options}))
        return self.started[-1]

    def _server(self, number):
        """One of Flipt's stand-ins; its port."""
        program, home = self.path("flipt-metrics"), self.path(f"server-{number}")
        os.makedirs(home)
        if not os.path.exists(program):
            subprocess.run(["cc", "-std=c99", "-O1", os.path.join(ROOT, "examples/c/10-flipt-metrics/main.c"), f"-I{BUILD}/include", f"-L{BUILD}/lib",
                            "-ltelemetry", "-o", program], check=True)
        server = self.start([program, "0"], environment(home), stdout=subprocess.PIPE, text=True)
        return urllib.parse.urlsplit(server.stdout.readline().strip()).port

    def _use(self, machine):
        try:
            while not self.is_over.is_set():
                begin = time.time()
                machine.work(begin - self.begin)
                self.is_over.wait(max(0, 1 - (time.time() - begin)))
        except Exception as error:  # it is said by whoever looks at the scene
            self.problem = error

    def _prometheus(self):
        def jobs(name, ports):
            return {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"instance": f"{name}-{number}"}} for number, port in enumerate(ports, 1)]}

        with open(self.path("prometheus.yml"), "w") as file:
            json.dump({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                       "scrape_configs": [jobs("flipt", self.servers), jobs("machine", [each.port for each in self.machines])]}, file)
        self.start(["prometheus", f"--config.file={self.path('prometheus.yml')}", f"--storage.tsdb.path={self.path('tsdb')}", f"--web.listen-address=127.0.0.1:{self.port}"])

    # ---- What Prometheus says

    def ask(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode(errors='replace')[:300]}") from None

    def is_ready(self):
        """Every target was scraped."""
        if self.problem:
            raise self.problem
        try:
            return len([each for each in self.ask("query", query="up == 1")["result"]]) == len(self.servers) + len(self.machines)
        except OSError:
            return False

    def warnings(self):
        """What Prometheus and node_exporter complain of."""
        found = []
        for log in glob.glob(self.path("prometheus*.log")):
            with open(log, errors="replace") as file:
                found += [line.strip() for line in file if ("level=warn" in line or "level=error" in line) and "as root user" not in line]
        return found


class Dashboard:
    """A file of dashboards/, as Grafana would ask its data source."""

    def __init__(self, name):
        self.name = name
        with open(os.path.join(ROOT, "dashboards", name + ".json"), encoding="utf-8") as file:
            self.content = json.load(file)
        self.variables = {each["name"]: each for each in self.content["templating"]["list"] if each["type"] == "query"}

    @staticmethod
    def names():
        return sorted(os.path.splitext(each)[0] for each in os.listdir(os.path.join(ROOT, "dashboards")) if each.endswith(".json"))

    def everything(self, scene):
        """The values of the variables where all is chosen: a pattern, or else all of those that are listed."""
        chosen = {}
        for name, each in self.variables.items():
            chosen[name] = each.get("allValue") or "(" + "|".join(self.values(scene, name, chosen)) + ")"
        return chosen

    def substituted(self, text, values, interval, range_):
        for name, value in {"__rate_interval": interval, "__range": range_, **values}.items():
            text = text.replace(f"${name}", value)
        return text

    def queries(self):
        """(panel, target), of all panels."""
        return [(panel, target) for panel in self.content["panels"] for target in panel["targets"]]

    def values(self, scene, name, chosen):
        """What can be chosen for a variable: label_values(SERIES, LABEL)."""
        series, label = self.variables[name]["query"].removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
        return scene.ask(f"label/{label}/values", **{"match[]": self.substituted(series, chosen, "1m", "1m")})


if __name__ == "__main__":
    sys.exit("this file is used by run and pictures")
