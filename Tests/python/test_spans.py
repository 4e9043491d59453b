"""Spans: parents across blocks, threads, tasks and processes; exceptions; header fields; the environment."""
from suite import check, check_equal, test


@test("spans/blocks", "H9 H10")
def blocks(stage):
    """A block is the parent of what begins in it; others are named."""
    stage.python("""
        with Collector(Options("mytool", "1.0")) as telemetry:
            assert libtelemetry.current_span() is None
            with telemetry.span("outer") as outer:
                assert libtelemetry.current_span() is outer
                with telemetry.span("inner", SpanKind.CLIENT, {"a": 0}, c=True) as inner:
                    assert inner.set_attributes({"a": 1}, b="x") is Status.OK and inner.add_event("e", n=2) is Status.OK
                    assert inner.add_link("00-" + "1" * 32 + "-" + "2" * 16 + "-01", "v=1", k=1) is Status.OK
                    assert inner.set_status(SpanStatus.OK) is Status.OK
                telemetry.root_span("root", n=1).end()
                held = telemetry.span("held")
            assert libtelemetry.current_span() is None
            with outer.active():
                telemetry.span("late").end() # below one that has ended
            telemetry.span("named", parent=held).end()
            assert held.end() is Status.OK and held.end() is Status.DISABLED
            dropped = telemetry.span("dropped")
            del dropped
            for wrong in (None, 5, b"x"): telemetry.span(wrong).end()
            telemetry.span("kind", kind=99).end()
            telemetry.span("x").set_status("error")
            assert telemetry.span_statistics().recorded == 8, telemetry.span_statistics()
        assert telemetry.span("after").traceparent == "" and telemetry.span("after").end() is Status.DISABLED
    """)
    check_equal({"inner": "outer", "outer": None, "root": None, "held": "outer", "late": "outer", "named": "held", "dropped": None, "x": None}, stage.tree(),
                "parents")
    [inner] = [span for span in stage.spans() if span["name"] == "inner"]
    check_equal(({"a": 1, "b": "x", "c": True}, "client", "ok", "e", "1" * 32),
                (inner["attributes"], inner["kind"], inner["status"], inner["events"][0]["name"], inner["links"][0]["trace_id"]), "inner")


@test("spans/exceptions", "H9 C6")
def exceptions(stage):
    """An exception gives the span its category and class, not its text, and goes on. What is not a failure leaves it as it is."""
    stage.python("""
        class Mine(Exception):
            def __str__(self): raise RuntimeError("never asked")
        with Collector(Options("mytool", "1.0")) as telemetry:
            def raised(name, error):
                try:
                    with telemetry.span(name):
                        raise error
                except BaseException as caught:
                    assert caught is error
                else:
                    assert False
            raised("file", FileNotFoundError(2, "secret-text"))
            raised("mine", Mine("secret-text"))
            raised("interrupt", KeyboardInterrupt())
            raised("exit 0", SystemExit(0))
            raised("exit 65", SystemExit(65))
            def generator():
                with telemetry.span("generator"):
                    yield 1
                    yield 2
            each = generator()
            next(each)
            each.close()
            assert libtelemetry.current_span() is None
    """)
    found = {span["name"]: (span["status"], span.get("attributes", {}).get("error.type"), [event["attributes"]["exception.type"] for event in
                                                                                          span.get("events", [])]) for span in stage.spans()}
    check_equal({"file": ("error", "FileNotFoundError", ["not_found"]), "mine": ("error", "__main__.Mine", ["unknown"]),
                 "interrupt": ("error", "KeyboardInterrupt", ["cancelled"]), "exit 0": ("unset", None, []), "exit 65": ("error", "SystemExit", ["data"]),
                 "generator": ("unset", None, [])}, found, "spans")
    check("secret-text" not in str(stage.spans()), "the text is recorded")


@test("spans/events", "H9")
def events(stage):
    """An event, a command and an exemplar name the current span."""
    stage.python("""
        options = Options("mytool", "1.0", command_spans=True)
        with Collector(options) as telemetry:
            telemetry.track(FEATURE_USED, "outside")
            with telemetry.command("mytool go") as command:
                with telemetry.span("below"):
                    telemetry.track(FEATURE_USED, "inside")
                    telemetry.observe("wait", 0.5)
                assert libtelemetry.current_span() is command.span and command.span.traceparent[3:35] == libtelemetry.current_span().traceparent[3:35]
            assert telemetry.track(FEATURE_USED, "outside again") is Status.OK
            text, _ = telemetry.metrics("application/openmetrics-text")
            assert '# {trace_id="' in text, text
    """)
    spans = {span["name"]: span for span in stage.spans()}
    found = {event["name"]: event.get("metadata", {}).get("span_id") for event in stage.events()}
    check_equal({"outside": None, "inside": spans["below"]["span_id"], "outside again": None}, {name: found[name] for name in found if name != "go"}, "events")
    check_equal({"below": "go", "go": None}, stage.tree(), "parents")
    check_equal(0, spans["go"]["attributes"]["process.exit.code"], "exit code")


@test("spans/threads", "H9")
def threads(stage):
    """A thread begins without a current span; the parent is named, or the context copied. Many threads record everything."""
    stage.python("""
        import contextvars, threading
        with Collector(Options("mytool", "1.0")) as telemetry:
            with telemetry.span("main") as main:
                def lonely(): telemetry.span("lonely").end()
                def named():
                    with main.active(): telemetry.span("named").end()
                def many():
                    for i in range(200):
                        telemetry.track(FEATURE_USED, "x", i=i)
                        telemetry.count("x")
                    with telemetry.span("many", parent=main):
                        assert libtelemetry.current_span() is not main
                targets = [lonely, named, lambda context=contextvars.copy_context(): context.run(lambda: telemetry.span("copied").end()), *[many] * 8]
                threads = [threading.Thread(target=target) for target in targets]
                for thread in threads: thread.start()
                for thread in threads: thread.join()
                assert libtelemetry.current_span() is main
            assert telemetry.statistics().recorded == 1600 and telemetry.span_statistics().recorded == 12
            assert "x_total 1600" in telemetry.metrics()[0]
    """)
    check_equal({"lonely": None, "named": "main", "copied": "main", "many": "main", "main": None}, stage.tree(), "parents")


@test("spans/asyncio", "H9")
def asynchronous(stage):
    """Each task has its own current span, whatever order they run in."""
    stage.python("""
        import asyncio
        with Collector(Options("mytool", "1.0")) as telemetry:
            async def step(name, delay):
                with telemetry.span(name) as span:
                    await asyncio.sleep(delay)
                    telemetry.track(FEATURE_USED, name)
                    with telemetry.span(name + " inner"):
                        await asyncio.sleep(delay)
                    assert libtelemetry.current_span() is span
            async def cancelled():
                with telemetry.span("cancelled"):
                    await asyncio.sleep(60)
            async def main():
                with telemetry.span("main"):
                    task = asyncio.create_task(cancelled())
                    await asyncio.gather(*(step(f"task {i}", 0.01 * (3 - i)) for i in range(3)))
                    task.cancel()
                    try:
                        await task
                    except asyncio.CancelledError:
                        pass
                    await asyncio.get_running_loop().run_in_executor(None, lambda: telemetry.span("executor").end())
                    await asyncio.to_thread(lambda: telemetry.span("to_thread").end())
            asyncio.run(main())
            assert libtelemetry.current_span() is None
    """)
    expected = {"main": None, "cancelled": "main", "executor": None, "to_thread": "main"}
    for number in range(3):
        expected.update({f"task {number}": "main", f"task {number} inner": f"task {number}"})
    check_equal(expected, stage.tree(), "parents")
    spans = {span["name"]: span for span in stage.spans()}
    check_equal({f"task {number}": spans[f"task {number}"]["span_id"] for number in range(3)},
                {event["name"]: event["metadata"]["span_id"] for event in stage.events()}, "the spans of events")
    check_equal(("error", "cancelled"), (spans["cancelled"]["status"], spans["cancelled"]["events"][0]["attributes"]["exception.type"]), "the cancelled task")


@test("spans/headers", "H10")
def headers(stage):
    """The parent comes from header fields of any kind, and goes on in them."""
    stage.python("""
        import email.message
        PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        class Bad:
            def items(self): raise RuntimeError
        message = email.message.Message()
        message["TraceParent"] = PARENT
        message["tracestate"] = "a=1"
        message["Tracestate"] = "b=2"
        with Collector(Options("mytool", "1.0")) as telemetry:
            for fields in ({"traceparent": PARENT}, {"Traceparent": PARENT, "TRACESTATE": "a=1,b=2"}, message, [(b"traceparent", PARENT.encode())]):
                with telemetry.remote_span("GET /", fields) as span:
                    assert span.traceparent[3:35] == PARENT[3:35] and span.headers()["traceparent"] == span.traceparent
                    assert span.tracestate == span.headers().get("tracestate", "")
            with telemetry.remote_span("GET /", message) as span:
                assert span.tracestate == "a=1,b=2", span.tracestate
            for fields in ({}, {"traceparent": "nonsense"}, None, 5, Bad(), [1], {"traceparent": 5}, {"traceparent": None},
                           [("traceparent", PARENT), ("traceparent", PARENT)]):
                with telemetry.remote_span("GET /new", fields) as span:
                    assert span.traceparent and span.traceparent[3:35] != PARENT[3:35], fields
    """)
    check_equal({"server"}, {span["kind"] for span in stage.spans()}, "kinds")


@test("spans/environment", "H10")
def environment(stage):
    """A child process goes on with the trace; what its environment had of another is replaced."""
    stage.python("""
        import subprocess
        with Collector(Options("mytool", "1.0")) as telemetry:
            if len(sys.argv) > 1:
                telemetry.span("child").end()
            else:
                with telemetry.span("parent") as span:
                    environment = span.environment()
                    assert environment["TRACEPARENT"] == span.traceparent and environment["HOME"] == os.environ["HOME"]
                    assert "TRACESTATE" not in environment and os.environ["TRACESTATE"] == "old=1"
                    assert span.environment({"A": "b", "BAGGAGE": "x=1"}) .keys() == {"A", "TRACEPARENT"}
                    subprocess.run([sys.executable, *sys.argv, "child"], env=environment, check=True)
    """, TRACESTATE="old=1")
    check_equal({"child": "parent", "parent": None}, stage.tree(), "parents")


@test("spans/given", "H10")
def given(stage):
    """TRACEPARENT of the environment is the parent; without consent it goes on unchanged."""
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    source = """
        with Collector(Options("mytool", "1.0")) as telemetry, telemetry.span("x") as span:
            print(span.traceparent, span.environment()["TRACEPARENT"])
    """
    context, handed = stage.python(source, TRACEPARENT=parent).split()
    check(context == handed != parent and context[:35] == parent[:35], context)
    check_equal([parent, parent], stage.python(source, TRACEPARENT=parent, MYTOOL_TELEMETRY_ENABLED=None).split(), "without consent")
