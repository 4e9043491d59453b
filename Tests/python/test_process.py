"""What telemetry must not do to a program: its end, its forks, its threads, and a library that is not there."""
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

from stage import BINDING, BUILD, LIBRARY
from suite import Skipped, check, check_equal, test
from test_consent import EVERYTHING

ABSENT = """
    assert not telemetry.available and "nowhere.so" in telemetry.reason and "nowhere.so" in options.error and libtelemetry.library.version == ""
    assert telemetry.span("x").headers() == {} and telemetry.span("x").environment({"TRACEPARENT": "y"}) == {"TRACEPARENT": "y"}
    assert telemetry.statistics().status is Status.DISABLED and telemetry.metrics() == ("", "") and options.explain() == ""
    assert options.prompt() is Status.DISABLED and options.set_preference(True) is Status.DISABLED and options.load_manifest() is Status.DISABLED
    assert libtelemetry.error_category_from_errno(2) == "" and libtelemetry.status_text(0) == ""
"""


@test("process/no library", "host libraries")
def absent(stage):
    """Without the library every call does nothing, and the reason can be read."""
    stage.python(EVERYTHING + ABSENT, TELEMETRY_LIBRARY="/nowhere.so")
    check_equal([], stage.files(), "files")
    stage.python("assert not libtelemetry.library.available and libtelemetry.library.reason", TELEMETRY_LIBRARY=None)
    stage.python("""assert "telemetry" in libtelemetry.library.reason, libtelemetry.library.reason""", TELEMETRY_LIBRARY="libc.so.6")


@test("process/old library", "host libraries")
def old(stage):
    """A library that is too old counts as missing."""
    source = 'const char *telemetry_version(void) { return "0.0.9"; }\n'
    names = "\n".join(f"void {name}(void) {{}}" for name in _names() if name != "telemetry_version")
    subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", stage.path("old.so")], input=source + names, text=True, check=True)
    stage.python("""
        assert not libtelemetry.library.available and "0.0.9" in libtelemetry.library.reason and "0.1.0" in libtelemetry.library.reason
        assert Collector(Options("mytool")).track(FEATURE_USED, "x") is Status.DISABLED
    """, TELEMETRY_LIBRARY=stage.path("old.so"))


def _names():
    from test_header import _abi
    return [*_abi.SHORT, *_abi.LONG]


@test("process/loader", "libraries")
def loader(stage):
    """The library is found by the system's loader."""
    stage.python("assert libtelemetry.library.available, libtelemetry.library.reason", TELEMETRY_LIBRARY=None, LD_LIBRARY_PATH=f"{BUILD}/lib")


@test("process/import", "host libraries")
def imported(stage):
    """The import loads neither the library nor a module that costs time."""
    if _site_imports(stage):
        raise Skipped("this interpreter's own start imports such modules")
    stage.python("""
        assert "libtelemetry.so" not in open("/proc/self/maps").read()
        assert not {"asyncio", "subprocess", "logging", "dataclasses", "inspect", "socket", "json"} & set(sys.modules), sorted(sys.modules)
    """)


def _site_imports(stage):
    """An interpreter whose own start imports such modules cannot show it."""
    done = subprocess.run([sys.executable, "-c", "import sys; print(bool({'subprocess', 'logging', 'inspect', 'socket'} & set(sys.modules)))"],
                          env=stage.environment, capture_output=True, text=True)
    return done.stdout.strip() == "True"


class Dead:
    """A receiver that accepts connections and never answers."""

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.kept = []
        threading.Thread(target=self._accept, daemon=True).start()
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def _accept(self):
        try:
            while True:
                self.kept.append(self.socket.accept())
        except OSError:
            pass

    def __exit__(self, *_):
        self.socket.close()


DEADLINE = """
    options = Options("mytool", "1.0")
    options.add_backend("http", endpoint=os.environ["ENDPOINT"])
    telemetry = Collector(options, close_timeout_ms=400)
    other = Collector(options, close_timeout_ms=400)
    telemetry.track(FEATURE_USED, "x")
    other.track(FEATURE_USED, "x")
    import atexit
    started = []
    atexit.register(lambda: started.append(time.monotonic()))
    class Last:
        def __del__(self, monotonic=time.monotonic, write=os.write):
            write(1, b"%d\\n" % ((monotonic() - started[0]) * 1000))
    sys.modules["last"] = Last()
"""


@test("process/dead receiver", "E9 host")
def dead(stage):
    """The interpreter's end waits no longer than the deadline, for all collectors together, and what was recorded is kept."""
    with Dead() as endpoint:
        milliseconds = int(stage.python(DEADLINE, ENDPOINT=endpoint))
        check(milliseconds < 400 + 2 * 50 + 1000, f"the end took {milliseconds} ms")
        took = stage.python("""
            options = Options("mytool", "1.0")
            options.add_backend("http", endpoint=os.environ["ENDPOINT"])
            with Collector(options) as telemetry:
                telemetry.track(FEATURE_USED, "x")
                start = time.monotonic()
                assert telemetry.flush(200) in (Status.ERROR_TIMEOUT, Status.ERROR_DELIVERY)
                assert time.monotonic() - start < 5
                telemetry.close(0)
                print(telemetry.statistics().status.name)
        """, ENDPOINT=endpoint)
        check_equal("DISABLED", took.strip(), "after close")
    waiting = stage.helper("show", "--json").splitlines()
    check_equal(3, len(waiting), f"events that wait: {waiting}")


@test("process/exits", "host E3")
def exits(stage):
    """Whatever way a program ends, it ends so, and its events are there."""
    ends = {"pass": 0, "sys.exit(3)": 3, "os._exit(4)": 4, "os.kill(os.getpid(), 9)": -9, "del telemetry": 0}
    for number, (end, code) in enumerate(ends.items(), 1):
        stage.python(f"""
            telemetry = Collector(Options("mytool", "1.0"))
            span = telemetry.span("open")
            command = telemetry.command("mytool open")
            series = telemetry.metric("x").bind()
            telemetry.track(FEATURE_USED, "x", n={number})
            {end}
        """, expected=code)
    stage.python("""
        telemetry = Collector(Options("mytool", "1.0"))
        telemetry.track(FEATURE_USED, "x", n=6)
        raise ValueError("as without telemetry")
    """, expected=1, errors=None)
    check_equal([1, 2, 3, 4, 5, 6], sorted(event["metadata"]["n"] for event in stage.events()), "events")


@test("process/fork", "host E4")
def forked(stage):
    """After a fork both processes record, also while another thread is in a long call."""
    stage.python("""
        import threading
        telemetry = Collector(Options("mytool", "1.0"))
        telemetry.track(FEATURE_USED, "parent", n=0)
        with telemetry.span("above") as above:
            busy = threading.Event()
            def flush():
                busy.set()
                for _ in range(50): telemetry.statistics()
            thread = threading.Thread(target=flush)
            thread.start()
            busy.wait()
            children = []
            for n in range(8):
                child = os.fork()
                if child == 0:
                    assert libtelemetry.current_span() is above and above.end() is not Status.OK
                    telemetry.track(FEATURE_USED, "child", n=n)
                    telemetry.span("below").end()
                    if n % 2: os._exit(0 if telemetry.close(2000) is Status.OK else 1)
                    sys.exit(0)
                children.append(child)
            for child in children: assert os.waitpid(child, 0)[1] == 0
            thread.join()
        telemetry.track(FEATURE_USED, "parent", n=1)
    """, PYTHONWARNINGS="ignore::DeprecationWarning") # of Python 3.12 and later, for a fork beside other threads
    check_equal(sorted(["parent", "parent", *["child"] * 8]), sorted(event["name"] for event in stage.events()), "events")
    check_equal({"above": None, "below": "above"}, stage.tree(), "parents")


@test("process/multiprocessing", "host E4")
def processes(stage):
    """Processes of multiprocessing record, whether they are forked or begun anew."""
    stage.python("""
        import multiprocessing
        telemetry = Collector(Options("mytool", "1.0"))
        def work(n):
            telemetry.track(FEATURE_USED, "x", n=n)
            return n
        if __name__ == "__main__":
            for method in ("fork", "spawn", "forkserver"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    assert pool.map(work, range(4)) == list(range(4))
                    pool.close()
                    pool.join()
            assert telemetry.statistics().recorded == 12, telemetry.statistics()
    """)
    check_equal(sorted([0, 1, 2, 3] * 3), sorted(event["metadata"]["n"] for event in stage.events()), "events")


@test("process/close while used", "host")
def closed_while_used(stage):
    """A collector may be closed while other threads use it, its metrics and its commands."""
    stage.python("""
        import threading
        sys.setswitchinterval(1e-6)
        for _ in range(60):
            options = Options("mytool", "1.0")
            options.add_metric("m", MetricType.COUNTER)
            telemetry = Collector(options)
            stop, failures = threading.Event(), []
            def use():
                try:
                    metric = telemetry.metric("m")
                    while not stop.is_set():
                        series = metric.bind(a=1)
                        telemetry.track(FEATURE_USED, "x", a="b")
                        series.add(), metric.add(), telemetry.count("c")
                        with telemetry.command("mytool x"), telemetry.span("s") as span: span.set_attributes(a=1)
                        telemetry.statistics(), telemetry.flush(5), telemetry.backend_info, telemetry.metrics(), telemetry.metrics_listener()
                except BaseException as error:
                    failures.append(error)
            threads = [threading.Thread(target=use) for _ in range(4)]
            for thread in threads: thread.start()
            time.sleep(0.01)
            telemetry.close(50)
            stop.set()
            for thread in threads: thread.join()
            assert not failures, failures
            assert telemetry.track(FEATURE_USED, "x") is Status.DISABLED
    """, timeout=300)


@test("process/slow backend", "host E1")
def slow(stage):
    """While a backend in Python is slow, other threads record and go on, and close keeps its deadline."""
    stage.python("""
        sending = []
        class Slow(Backend):
            def send(self, json, event_count, timeout_ms):
                sending.append("begun")
                time.sleep(5)
                sending.append("ended")
                return Verdict.ACCEPTED
        telemetry = Collector(Options("mytool", "1.0", backend=Slow(), segment_bytes=8192, flush_interval_ms=1), close_timeout_ms=100)
        telemetry.track(FEATURE_USED, "x")
        while not sending: time.sleep(0.01)
        for i in range(3000): telemetry.track(FEATURE_USED, "x", text="y" * 100)
        assert sending == ["begun"], "recording has waited for the backend"
        start = time.monotonic()
        telemetry.close()
        assert time.monotonic() - start < 100 / 1000 + 1 and sending == ["begun"]
    """, timeout=120)


@test("process/signal", "host")
def signalled(stage):
    """A signal's handler may close the collector."""
    stage.python("""
        import signal
        telemetry = Collector(Options("mytool", "1.0"))
        def stop(*_):
            telemetry.close(500)
            sys.exit(7)
        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        while True:
            telemetry.track(FEATURE_USED, "x")
            telemetry.statistics()
    """, expected=7)


@test("process/interpreters", "host")
def interpreters(stage):
    """Every interpreter at hand, from 3.9 on, does the same."""
    tried = []
    for version in range(9, 16):
        python = shutil.which(f"python3.{version}")
        if python and subprocess.run([python, "-c", "import ctypes"], capture_output=True).returncode == 0:
            environment = {**stage.environment, "PATH": os.environ["PATH"]}
            done = subprocess.run([python, stage.program(EVERYTHING)], env=environment, cwd=stage.root, capture_output=True, text=True, timeout=60)
            check(done.returncode == 0 and not done.stderr and int(done.stdout.split()[0]) >= 3, f"python3.{version}: {done.stdout}{done.stderr}")
            tried.append(f"3.{version}")
    if not tried:
        raise Skipped("no python3.N in PATH")
    return "with " + ", ".join(tried)
