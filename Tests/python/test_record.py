"""What each function records, in the local log of a user who has agreed."""
from suite import check, check_equal, test


@test("record/events", "C1 C9")
def events(stage):
    """Events with attributes of each type; what is not an attribute is left out and counted."""
    stage.python("""
        import enum
        class Word(str, enum.Enum):
            CSV = "csv"
        class Odd:
            def __str__(self): raise ValueError("never asked")
        with Collector(Options("mytool", "1.0", metadata={"channel": "beta"})) as telemetry:
            assert telemetry.enabled and telemetry.available and telemetry.reason == "" and "events.jsonl" in telemetry.backend_info
            assert telemetry.track(FEATURE_USED, "types", {"text": "a", "least": -2**63, "most": 2**63 - 1, "half": 0.5, "yes": True, "no": False,
                                                           "nothing": None, "word": Word.CSV, "code": Status.ADJUSTED}) is Status.OK
            assert telemetry.track(FEATURE_USED, "wide", big=10**30, small=-10**30) is Status.OK
            assert telemetry.track(FEATURE_USED, "named", {"a": 1, "b": 2}, b=3, name="n", type="t") is Status.ADJUSTED # names of fields
            for bad in ({"odd": Odd(), "kept": 1}, {5: "no key", "kept": 1}, {"list": [1], "kept": 1}, {"bytes": b"x", "kept": 1}):
                assert telemetry.track(FEATURE_USED, "bad", bad) is Status.ADJUSTED
            assert telemetry.track(FEATURE_USED, "bad", [1, 2], kept=1) is Status.ADJUSTED # no mapping
            assert telemetry.track(FEATURE_USED, "a\\0b", c="d\\0") is Status.ADJUSTED
            assert telemetry.track(FEATURE_USED, "file-\\udcff", path="\\udcff", lone="\\ud800") is Status.ADJUSTED
            assert telemetry.track(FEATURE_USED, "many", {f"k{i}": i for i in range(70)}) is Status.ADJUSTED
            assert telemetry.track("no such type!", "x") is Status.ERROR_ARGUMENT
            for wrong in ((None, "x"), (FEATURE_USED, None), (FEATURE_USED, 5), (FEATURE_USED, b"x"), ([], {})):
                assert telemetry.track(*wrong) is Status.ERROR_ARGUMENT, wrong
            counters = telemetry.statistics()
            assert counters.status is Status.OK and counters.recorded == 11 and counters.adjusted == 9 and counters.refused == 6, counters
            assert counters.storage is Storage.SPOOL
            try:
                telemetry.track("x")
            except TypeError:
                pass # as any function without its arguments
            else:
                assert False
    """)
    found = stage.events()
    check_equal({"channel": "beta", "text": "a", "least": -2**63, "most": 2**63 - 1, "half": 0.5, "yes": True, "no": False, "word": "csv", "code": 10},
                found[0]["metadata"], "types")
    check_equal({"channel": "beta", "big": 2**63 - 1, "small": -2**63}, found[1]["metadata"], "wide")
    check_equal({"channel": "beta", "a": 1, "b": 3}, {key: value for key, value in found[2]["metadata"].items() if key not in ("name", "type")}, "named")
    for each in found[3:8]:
        check_equal({"channel": "beta", "kept": 1}, each["metadata"], "bad")
    check_equal(("a\ufffdb", "d\ufffd"), (found[8]["name"], found[8]["metadata"]["c"]), "NUL")
    check(found[9]["name"] == "file-\ufffd" and found[9]["metadata"]["path"] == "\ufffd" and "\ufffd" in found[9]["metadata"]["lone"], str(found[9]))


@test("record/commands", "C3 C5 C6")
def commands(stage):
    """A command's block gives it its exit code; arguments and texts are nowhere without extended collection."""
    stage.python("""
        with Collector(Options("mytool", "1.0")) as telemetry:
            def run(error=None, code=None, path="mytool run"):
                try:
                    with telemetry.command(path) as command:
                        if code is not None: assert command.finish(code, rows=1) == code
                        if error is not None: raise error
                except BaseException as raised:
                    assert raised is error # it goes on
                else:
                    assert error is None
            run()
            run(code=3)
            run(SystemExit(4))
            run(SystemExit("secret-text"))
            run(SystemExit())
            run(KeyboardInterrupt())
            run(FileNotFoundError(2, "secret-text"))
            run(code=5, error=ValueError("secret-text"))
            run(path=None)
            assert telemetry.track_command("mytool get", 2000, 65, n=1) is Status.OK
            assert telemetry.track_command("mytool put", 1, 0, arguments=["secret-text"], error="secret-text") is Status.OK
            assert telemetry.track_error("mytool put", "data", "secret-text") is Status.OK
            command = telemetry.command()
            assert command.set("mytool later") is Status.OK and command.set_error_category("auth") is Status.OK and command.span is None
            command.finish(1)
            kept = telemetry.command("mytool forgotten")
        assert kept.set("x") is Status.DISABLED and kept.finish(0) == 0
        del kept
    """)
    found = [(each["name"], each.get("exit_code"), each.get("error_category", "")) for each in stage.events()]
    check_equal([("run", 0, ""), ("run", 3, "unknown"), ("run", 4, "unknown"), ("run", 1, "unknown"), ("run", 0, ""), ("run", 130, "cancelled"),
                 ("run", 1, "not_found"), ("run", 5, "unknown"), ("get", 65, "data"), ("put", 0, ""), ("mytool put", None, "data"), ("later", 1, "auth")],
                [(name, code, category) for name, code, category in found], "commands")
    nowhere(stage, "secret-text")


def nowhere(stage, text):
    """No file of the user's has it."""
    import os
    for name in stage.files():
        path = os.path.join(stage.home, name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                check(text.encode() not in file.read(), f"{text} is in {name}")


@test("record/extended", "C6")
def extended(stage):
    """With extended collection, arguments and error texts are recorded."""
    stage.python("""
        with Collector(Options("mytool", "1.0", extended_collection=True)) as telemetry:
            telemetry.track_command("mytool put", 1, 1, arguments=["first", "second"], error="went wrong")
            try:
                with telemetry.span("step"):
                    raise RuntimeError("went wrong too")
            except RuntimeError:
                pass
    """)
    check("second" in str(stage.events()[0]) and "went wrong" in str(stage.events()[0]), str(stage.events()))
    check("went wrong too" in str(stage.spans()), str(stage.spans()))


@test("record/metrics", "H1")
def metrics(stage):
    """Metrics that are declared, bound and called by name."""
    stage.python("""
        options = Options("mytool", "1.0", process_metrics=True, metrics_listener="127.0.0.1:0")
        assert options.add_metric("builds", MetricType.COUNTER, "{build}", "Builds.") is Status.OK
        assert options.add_metric("size", MetricType.GAUGE, "By", rule=GaugeRule.MAX) is Status.OK
        assert options.add_metric("time", MetricType.HISTOGRAM, "s", bounds=[0.1, 1]) is Status.OK
        with Collector(options) as telemetry:
            builds = telemetry.metric("builds")
            assert builds.add(2, result="ok") is Status.OK and builds.add() is Status.OK and builds.add(0.5) is Status.OK
            assert builds.add(-1) is Status.ERROR_ARGUMENT and builds.add("x") is Status.ERROR_ARGUMENT
            series = builds.bind(result="bad")
            assert series.add() is Status.OK and series.add(0.25) is Status.OK and series.add(10**30 * -1) is Status.ERROR_ARGUMENT
            assert telemetry.metric("size").set(17) is Status.OK and telemetry.metric("size").bind().set(18.5) is Status.OK
            assert telemetry.metric("time").observe(0.5) is Status.OK and telemetry.metric("time").bind({"a": 1}).observe(5) is Status.OK
            assert telemetry.metric("time").observe(float("nan")) is Status.ERROR_ARGUMENT
            assert telemetry.count("runs") is Status.OK and telemetry.count("runs", 2, kind="x") is Status.OK
            assert telemetry.gauge("level", 3) is Status.OK and telemetry.observe("wait", 0.25) is Status.OK
            assert telemetry.metric("absent").add(1) is Status.DISABLED and telemetry.metric("absent").bind().add() is Status.DISABLED
            text, kind = telemetry.metrics()
            assert kind.startswith("text/plain") and 'builds_total{result="bad"} 1.25' in text and "process_threads" in text, text
            text, kind = telemetry.metrics("application/openmetrics-text; version=1.0.0")
            assert kind.startswith("application/openmetrics-text") and text.endswith("# EOF\\n")
            status, address = telemetry.metrics_listener()
            assert status is Status.OK and address.startswith("127.0.0.1:"), (status, address)
            import urllib.request
            assert b"runs_total 1" in urllib.request.urlopen(f"http://{address}/metrics", timeout=20).read()
        assert builds.add() is Status.DISABLED and series.add() is Status.DISABLED and builds.bind().add() is Status.DISABLED
        assert telemetry.metrics()[0] == "" and telemetry.metrics_listener()[0] is not Status.OK
    """)


@test("record/options", "I")
def options(stage):
    """Every option is taken; a mistake is a sentence, and leaves the collector off."""
    stage.python("""
        class Off(Backend):
            pass
        options = Options("mytool", "1.0", consent=Consent.OPT_OUT, author_gate=True, no_telemetry=False, force=False, local_only=True,
                          extended_collection=True, config=("mytool/config.yaml", "telemetry.enabled"), project_config=(".mytool.yaml", "a.b"),
                          notice=Notice("Example Ltd", "names", "to see", version="2", contact="me"), metadata={"a": 1}, sampling={"x": 0.5},
                          identity=Identity.RANDOM, rotation_days=30, ephemeral=Ephemeral.NEVER, delivery=Delivery.DETACHED,
                          guarantee=Guarantee.AT_MOST_ONCE, helper="/usr/bin/telemetry", heartbeat_s=3600, heartbeat_failures=2,
                          flush_interval_ms=1000, http_timeout_ms=1000, segment_bytes=65536, spool_limit_bytes=1 << 20, spool_limit_segments=8,
                          spool_limit_age_s=3600, command_spans=True, process_metrics=True, operator_metrics=True)
        assert options.error == "" and options.status is Status.OK, (options.error, options.status)
        assert options.add_backend("http", {"headers.X-Channel": "stable"}, endpoint="https://example.org/v1") is Status.OK, options.error
        assert options.add_operator_backend("otlp", endpoint="http://127.0.0.1:1/") is Status.OK, options.error
        assert '"source":' in options.explain(Format.JSON) and "TELEMETRY_ENABLED variable" in options.explain()
        for wrong in (dict(tool_name="no name!"), dict(manifest="/nonexistent.yaml"), dict(helper="relative"), dict(segment_bytes=-1),
                      dict(segment_bytes=2**80), dict(metadata={"x": object()}), dict(metrics_listener="0.0.0.0:1"), dict(sampling={"x": 2}),
                      dict(spool_limit_bytes=-5), dict(notice=Notice("", "", "")), dict(config=("../x", ""))):
            options = Options(**{"tool_name": "mytool", **wrong})
            with Collector(options) as telemetry:
                assert not telemetry.enabled and options.error and options.status < 0 or "tool_name" in wrong, (wrong, options.error)
                assert telemetry.track(FEATURE_USED, "x") is Status.DISABLED
        for wrong in (dict(tool_name=5), dict(consent="opt-in"), dict(consent=1), dict(force="no"), dict(segment_bytes="x"), dict(segment_bytes=True),
                      dict(helper=5), dict(no_such_option=1)):
            try:
                Options(**{"tool_name": "mytool", **wrong})
            except TypeError:
                continue
            assert False, wrong
        options = Options("mytool")
        assert options.load_manifest("/nonexistent.yaml") is Status.ERROR_MANIFEST and "/nonexistent.yaml" in options.error
        assert options.add_metric("x y", MetricType.COUNTER) is Status.ERROR_ARGUMENT and options.add_backend("none") is Status.ERROR_ARGUMENT
    """)


@test("record/manifest", "C10")
def manifest(stage):
    """With a manifest, what it does not list is refused."""
    with open(stage.path("mytool.yaml"), "w") as file:
        file.write("tool: {name: mytool, version: 3.0}\nevents:\n  import:\n    description: A file.\n    attributes:\n      rows: {type: int, description: Rows.}\n")
    stage.python("""
        import pathlib
        with Collector(Options("mytool", manifest=pathlib.Path("mytool.yaml"))) as telemetry:
            assert telemetry.track(FEATURE_USED, "export") is Status.ERROR_UNDECLARED
            assert telemetry.track(FEATURE_USED, "import", rows=1, secret="x") is Status.ADJUSTED
            assert telemetry.statistics().attributes_refused == 1 and telemetry.statistics().refused_undeclared == 1
        assert Options("mytool", manifest=True).status is Status.OK
    """, TELEMETRY_MANIFEST=stage.path("mytool.yaml"))
    check_equal([("import", "3.0", {"rows": 1})], [(each["name"], each["version"], each["metadata"]) for each in stage.events()], "events")


@test("record/backend", "F host")
def backend(stage):
    """A backend of the program gets each batch. Its exceptions mean: later."""
    stage.python("""
        import json
        class Kept(Backend):
            name = "kept"
            def __init__(self): self.batches, self.closed, self.failures = [], 0, 1
            def send(self, data, event_count, timeout_ms):
                if self.failures:
                    self.failures -= 1
                    raise RuntimeError("never printed")
                self.batches.append((json.loads(data), event_count))
                return Verdict.ACCEPTED
            def close(self):
                self.closed += 1
                raise RuntimeError("never printed")
        kept = Kept()
        options = Options("mytool", "1.0", backend=kept)
        with Collector(options) as telemetry:
            assert "kept" in telemetry.backend_info
            telemetry.track(FEATURE_USED, "first")
            assert telemetry.flush(5000) is Status.ERROR_DELIVERY
        assert kept.closed == 1 and telemetry.flush(10) is Status.DISABLED
        import time
        for _ in range(200):
            with Collector(options) as telemetry:
                telemetry.flush(2000)
            if kept.batches: break
            time.sleep(0.1)
        import gc
        del options, telemetry
        gc.collect()
        assert libtelemetry.backend._held == {}, libtelemetry.backend._held
        assert [(batch[0]["name"], count) for batch, count in kept.batches] == [("first", 1)], kept.batches
    """)


@test("record/categories", "C4")
def categories(stage):
    """Exceptions have categories, by their numbers or their classes."""
    stage.python("""
        import json, socket, subprocess, urllib.error, concurrent.futures, asyncio, errno
        class HTTPError(Exception):
            def __init__(self, status): self.response = type("Response", (), {"status_code": status})()
        class Mine(ConnectionError): pass
        class Broken(Exception):
            @property
            def __class__(self): raise ValueError
        expected = [(KeyboardInterrupt(), "cancelled"), (asyncio.CancelledError(), "cancelled"), (TimeoutError(), "timeout"),
                    (OSError(errno.ENOSPC, "x"), "resource"), (OSError(errno.ECONNREFUSED, "x"), "network"), (PermissionError(), "permission"),
                    (FileNotFoundError(2, "x"), "not_found"), (Mine(), "network"), (ValueError(), "unknown"), (KeyError(), "internal"),
                    (MemoryError(), "resource"), (HTTPError(401), "auth"), (HTTPError(503), "unavailable"),
                    (urllib.error.HTTPError("http://x", 404, "x", None, None), "not_found"), (socket.gaierror(-2, "x"), "network"),
                    (subprocess.CalledProcessError(-15, "x"), "cancelled"), (subprocess.CalledProcessError(124, "x"), "timeout"),
                    (subprocess.TimeoutExpired("x", 1), "timeout"), (SystemExit(0), ""), (SystemExit(64), "usage"), (GeneratorExit(), ""),
                    (json.JSONDecodeError("x", "y", 0), "data"), (UnicodeDecodeError("utf-8", b"", 0, 1, "x"), "data"), (Broken(), "unknown")]
        for error, category in expected:
            found = libtelemetry.error_category_from_exception(error)
            assert found == category, (error, found, category)
        assert libtelemetry.error_category_from_exit_code(127) == "not_found" and libtelemetry.error_category_from_errno(13) == "permission"
        assert libtelemetry.error_category_from_http_status(0) == "network" and libtelemetry.error_category_from_message("connection refused") == "network"
        assert libtelemetry.status_text(Status.OK) and libtelemetry.library.version.count(".") == 2
        assert Status(77).name == "STATUS_77" and Status(77) == 77
    """)


@test("record/surface", "I D3 G")
def surface(stage):
    """What a program can ask besides recording; disable() ends a collector for this process."""
    stage.python("""
        from libtelemetry import Preference
        class Keeper(Backend):
            def send(self, json, event_count, timeout_ms):
                sent.append(json)
                return Verdict.RETRY if refusing else Verdict.ACCEPTED
        sent, refusing = [], True
        options = Options("mytool", "1", backend=Keeper(), backend_info="words", runtime=("python", "3"))
        assert options.preference in (Preference.UNSET, Preference.ENABLED) and options.preference_path.endswith("/mytool/enabled")
        assert options.data_directory.endswith("/telemetry/mytool") and not options.error
        with Collector(options) as telemetry:
            assert telemetry.backend_info == "words (custom: custom)" and telemetry.machine_id
            telemetry.track("feature.used", "kept")
            assert telemetry.flush(5000) is Status.ERROR_DELIVERY and telemetry.last_error == "the custom backend asked to retry"
            assert telemetry.disable() is Status.OK and not telemetry.enabled
            assert telemetry.track("feature.used", "late") is Status.DISABLED and telemetry.machine_id == ""
        refusing = False
        status, report = options.request_deletion(5000, "an-id")
        assert status is Status.OK and b"an-id" in sent[-1] and b"data.deletion_request" in sent[-1], report
        assert all(b'"runtime":"python/3"' in json for json in sent)
    """)


@test("record/drop", "E10")
def drop(stage):
    """drop() erases what waits."""
    stage.python("""
        telemetry = Collector(Options("mytool", "1.0"), close_timeout_ms=0)
        telemetry.track(FEATURE_USED, "x")
        assert telemetry.drop() is Status.OK and telemetry.statistics().dropped_withdrawn == 1
        assert telemetry.close() is Status.OK and telemetry.close() is Status.DISABLED and telemetry.drop() is Status.DISABLED
    """)
    check_equal([], stage.events(), "events")
