"""H14: spans for receivers of the user's own, beside those for the author or without them."""
import json
import os
import time

from driving import DISABLED, OK, PARENT, ROOT, TIMEOUT, TRACE, Driver, attributes, files_below, helper, spool
from push_receiver import PushReceiver
from suite import check, check_equal, test
from test_delivery import OTLP, Zipkin, decoded
from world import BUILD, TOOL

AUTHORS_KEY = "authors-canary-key"


def own_spool(world):
    return world.path("home", ".local", "state", "telemetry", TOOL, "own", "spans")


def own_file(world, content):
    path = world.path("home", ".config", "telemetry", "own.yaml")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        # JSON is YAML as well.
        json.dump(content, file)
    os.chmod(path, 0o600)


def traces(server):
    """Requests for spans; metrics may come too."""
    return [request for request in server.requests if request.path in ("/v1/traces", "/api/v2/spans")]


def one_span(world, expected=OK, environment=None):
    """A span below another program's; the context that it hands on."""
    driver = Driver(world, environment)
    driver.open(manifest=world.manifest_file)
    check_equal(expected, driver.remote(0, 0, "mine", 2, PARENT, "k=v"), "begin")
    check_equal(expected, driver.attributes(0, *attributes(a=1)), "attributes")
    context = driver.traceparent(0)
    check_equal(expected, driver.end(0), "end")
    driver.close(0, 10000)
    driver.leave()
    return context


def arrange(world):
    """An author who takes spans, with a key and metadata."""
    author = world.closes(PushReceiver())
    world.manifest(author.url, {"metadata": {"authors": "canary"}}, kind="otlp", signals="spans", api_key=AUTHORS_KEY, compression="none")
    return author


@test("own/both", "H14 H12")
def both(world):
    """The author and the user each get the span, with the same ids, and nothing of one reaches the other."""
    author, mine = arrange(world), world.closes(PushReceiver())
    zipkin = world.closes(PushReceiver())
    own_file(world, {"own": "on", "backends": [{"name": "o", "kind": "otlp", "endpoint": mine.url, "compression": "none"}, {"name": "z", "kind": "zipkin", "endpoint": zipkin.url}]})
    context = one_span(world)
    (theirs,), = decoded(traces(author))
    (ours,), = decoded(traces(mine))
    check_equal((TRACE, context[36:52], "b7ad6b7169203331"), tuple(ours[name] for name in ("traceId", "spanId", "parentSpanId")), "context")
    check_equal(theirs["spanId"], ours["spanId"], "ids of both")
    check_equal(["mine"], Zipkin.names(traces(zipkin)), "at Zipkin")
    for request in [*mine.requests, *zipkin.requests]:
        check(b"canary" not in request.body and AUTHORS_KEY not in str(request.headers), f"something of the author's: {request.headers} {request.body}")
    check(os.path.isdir(spool(world)) and os.path.isdir(own_spool(world)), "directories")


@test("own/alone", "H14 A4")
def alone(world):
    """The author is refused in every way, and the user's receiver still gets the span."""
    for variables in ({"DO_NOT_TRACK": "1"}, {}):
        author, mine = arrange(world), world.closes(PushReceiver())
        own_file(world, {"own": "on", "backends": [{"kind": "otlp", "endpoint": mine.url}]})
        if not variables:
            helper(world, "disable")
        context = one_span(world, environment=variables)
        check(context != PARENT and TRACE in context, context)
        check_equal(["mine"], OTLP.names(traces(mine)), f"{variables}: the user's")
        check_equal(0, len(author.requests), f"{variables}: the author's")
        check_equal([], [name for name in files_below(spool(world)) if name.endswith((".seg", ".open", ".jsonl"))], f"{variables}: the author's files")


@test("own/variables", "H14 H15")
def variables(world):
    """OTEL_TRACES_EXPORTER and its endpoint ask for spans, if the author has no receiver of them; `none` and others ask for nothing."""
    world.manifest("https://127.0.0.1:9/", kind="http")
    mine = world.closes(PushReceiver())
    world.environment["DO_NOT_TRACK"] = "1"
    count = 0
    for given, asks in (({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": mine.url}, True), ({"OTEL_EXPORTER_OTLP_ENDPOINT": mine.url}, True),
                        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": mine.url + "/v1/traces"}, True),
                        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": mine.url}, False),
                        ({"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": mine.url}, False),
                        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": mine.url}, False)):
        context = one_span(world, OK if asks else DISABLED, given)
        count += asks
        check_equal((asks, count), (context != PARENT, len(OTLP.names(traces(mine)))), f"{given}")


@test("own/off", "H14")
def off(world):
    """`own: off` and the program's user refuse: no file is made, and the parent's context goes on."""
    mine = world.closes(PushReceiver())
    world.manifest("https://127.0.0.1:9/", kind="http")
    helper(world, "disable")
    before = files_below(world.path("home"))
    for content, environment in (({"own": "off", "backends": [{"kind": "otlp", "endpoint": mine.url}]}, {}),
                                 ({"own": "on", "backends": [{"kind": "otlp", "endpoint": mine.url}]}, {"ITEST_NO_TELEMETRY": "1"})):
        own_file(world, content)
        check_equal(PARENT, one_span(world, DISABLED, environment), f"{content} {environment}")
    check_equal([], mine.requests, "requests")
    check_equal(sorted([*before, ".config/telemetry/own.yaml"]), files_below(world.path("home")), "files")


@test("own/killed", "H14 H9")
def killed(world):
    """A killed program's open span reaches the user's receiver as abandoned; `show` and `reset` know it."""
    mine = world.closes(PushReceiver())
    world.manifest("https://127.0.0.1:9/", kind="http")
    own_file(world, {"own": "on", "backends": [{"kind": "otlp", "endpoint": mine.url}]})
    world.environment["DO_NOT_TRACK"] = "1"
    driver = Driver(world)
    driver.open(manifest=world.manifest_file, detached=1)
    driver.begin(0, 0, "left", 1, ROOT)
    driver.kill()
    check(any(name.endswith(".open") for name in files_below(own_spool(world))), f"{files_below(own_spool(world))}")
    helper(world, "deliver", "--now")
    (span,), = decoded(traces(mine))
    check_equal(("left", "STATUS_CODE_ERROR"), (span["name"], span["status"]["code"]), "span")
    sent = helper(world, "show", "--sent", "--signal", "spans", "--audience", "own", "--json").stdout
    check('"left"' in sent, sent)
    world.run([f"{BUILD}/bin/telemetry", "reset", "--tool", TOOL], expected=None)
    check(not os.path.exists(own_spool(world)), f"{files_below(world.path('home', '.local'))}")


def ask(world, *endpoints, **more):
    """own.yaml with these receivers of spans."""
    backends = [{"name": f"r{number}", "kind": "otlp", "endpoint": endpoint, "signals": ["spans"]} for number, endpoint in enumerate(endpoints)]
    own_file(world, {**({"backends": backends} if backends else {}), **more})


def own_status(world):
    return json.loads(helper(world, "status", "--json").stdout)["own"]["spans"]


def record(world, name="s", expected=4):
    """A span that was tried to be delivered: no process in the background looks at own.yaml later."""
    world.run([f"{BUILD}/bin/telemetry", "span", "--tool", TOOL, "--name", name, "--", "true"])
    helper(world, "deliver", "--now", expected=expected)


DEAD = "http://127.0.0.1:9"


@test("own/changed", "H14 B1 B4")
def changed(world):
    """What waits is for those who asked: it goes where own.yaml sends now, and waits while nobody asks. No program has chosen anything."""
    mine = world.closes(PushReceiver())
    ask(world, DEAD)
    record(world)
    ask(world, mine.url)
    check_equal((None, [], 1), tuple(own_status(world)[name] for name in ("program", "waiting_for_others", "pending")), "after the change")
    helper(world, "deliver", "--now")
    check_equal(["s"], OTLP.names(traces(mine)), "at the new receiver")
    ask(world, DEAD)
    record(world, "kept")
    for content in ({"own": "off"}, {"own": "on"}):
        own_file(world, content)
        done = helper(world, "deliver", "--now")
        check(f"your spans not delivered: 1 until their receivers are asked for again: otlp: POST {DEAD}/v1/traces" in done.stderr, done.stderr)
        found = own_status(world)
        check_equal((None, None, [("own", 1)]), (found["backend"], found["program"], [(each["for"], each["spans"]) for each in found["waiting_for_others"]]), f"{content}")
        doctor = helper(world, "doctor", "--offline").stdout
        check("own spans waiting 1 until their receivers" in doctor, doctor)
        texts = helper(world, "status").stdout + doctor
        check("the program" not in texts, texts)
    ask(world, mine.url, DEAD)
    helper(world, "deliver", "--now", expected=4)
    check_equal(["s", "kept"], OTLP.names(traces(mine)), "asked for again, with another one")


@test("own/askers", "H14")
def askers(world):
    """What own.yaml asked for does not go to the receiver of a variable, and what an operator asked for waits for the program."""
    mine = world.closes(PushReceiver())
    ask(world, DEAD)
    record(world)
    os.remove(world.path("home", ".config", "telemetry", "own.yaml"))
    world.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = mine.url
    helper(world, "deliver", "--now")
    check_equal([], OTLP.names(traces(mine)), "at the variable's")
    record(world, "other", expected=0)
    check_equal(["other"], OTLP.names(traces(mine)), "the variable's own")
    check_equal([("own", 1)], [(each["for"], each["spans"]) for each in own_status(world)["waiting_for_others"]], "waiting")
    ask(world, mine.url)
    helper(world, "deliver", "--now")
    check("s" in OTLP.names(traces(mine)), f"{OTLP.names(traces(mine))}")


@test("own/reset", "H14 B2")
def own_reset(world):
    """`reset --audience own` erases what is kept for the user, open spans too, and nothing of the author's: no answer, no file, no request."""
    author = world.closes(PushReceiver())
    world.manifest("", {"backends": [{"kind": "otlp", "endpoint": author.url, "signals": ["events", "spans"]}]})
    helper(world, "enable")
    helper(world, "track", "e")
    ask(world, DEAD)
    own_file(world, {"backends": [{"kind": "otlp", "endpoint": DEAD}]})
    helper(world, "count", "m")
    record(world)
    driver = Driver(world)
    driver.open(manifest=world.manifest_file, detached=1)
    driver.begin(0, 0, "left", 1, ROOT)
    own = os.path.dirname(own_spool(world))
    before = [name for name in files_below(world.path("home")) if "/own/" not in name]
    requests = len(author.requests)
    check(any(name.endswith(".open") for name in files_below(own)) and any("metrics" in name for name in files_below(own)), f"{files_below(own)}")
    done = helper(world, "reset", "--audience", "own")
    check("kept for you on this machine is erased" in done.stdout and "more will be kept" in done.stdout, done.stdout)
    check_equal([], [name for name in files_below(world.path("home")) if "/own/" in name and not name.endswith(".open")], "what is left")
    check_equal(before, [name for name in files_below(world.path("home")) if "/own/" not in name], "the author's")
    check_equal(requests, len(author.requests), "requests to the author")
    check("on" == json.loads(helper(world, "status", "--json").stdout)["preference"]["tool"], "answer")
    driver.kill()
    mine = world.closes(PushReceiver())
    own_file(world, {"backends": [{"kind": "otlp", "endpoint": mine.url}]})
    helper(world, "deliver", "--now")
    check_equal([], OTLP.names(traces(mine)), "at the user's receiver")
    own_file(world, {"own": "off"})
    check_equal({"tool": TOOL, "enabled": False, "erased": True, "problems": []}, json.loads(helper(world, "reset", "--audience", "own", "--json").stdout), "JSON")
    helper(world, "reset", "--audience", "author", expected=2)


@test("own/doctor", "H14 B4")
def own_doctor(world):
    """A receiver that does not know HEAD answers 501: it can be reached."""
    mine = world.closes(PushReceiver())
    ask(world, mine.url)
    found = json.loads(helper(world, "doctor", "--json").stdout)
    check_equal([("ok", "own.r0: answers HEAD with HTTP 501", None)], [(each["state"], each["detail"], each["advice"]) for each in found if each["check"] == "endpoint"], "endpoint")


def late_receivers(world):
    """An author and a user who take everything, and answer a second late."""
    author, mine = world.closes(PushReceiver(lambda number: "late")), world.closes(PushReceiver(lambda number: "late"))
    world.manifest("", {"backends": [{"kind": "otlp", "endpoint": author.url, "signals": ["events", "spans"]}]})
    own_file(world, {"own": "on", "backends": [{"kind": "otlp", "endpoint": mine.url}]})
    return author, mine


def elapsed(call):
    began = time.monotonic()
    result = call()
    return result, time.monotonic() - began


# A time limit, and more than a busy machine needs to notice it: less than one more receiver takes.
LIMIT_MS, LATEST = 1300, 2.2


@test("own/time-limit", "E9 H14")
def time_limit(world):
    """The time limit of flush and deliver is that of the whole command, with receivers that take everything slowly; what had no time is delivered by the next."""
    for command in (["flush", "--timeout-ms"], ["deliver", "--now", "--time-limit-ms"]):
        author, mine = late_receivers(world)
        helper(world, "track", "e")
        helper(world, "count", "m")
        world.run([f"{BUILD}/bin/telemetry", "span", "--tool", TOOL, "--name", "s", "--", "true"])
        done, seconds = elapsed(lambda words=command: helper(world, *words, str(LIMIT_MS), expected=None))
        check(seconds < LATEST, f"{command[0]} took {seconds:.1f} s")
        check_equal(4, done.returncode, f"{command[0]}: exit code, {done.stderr}")
        check(f"within {LIMIT_MS} ms" in done.stderr, done.stderr)
        helper(world, "deliver", "--now", expected=None)
        helper(world, "deliver", "--now")
        for receiver, paths in ((author, {"/v1/logs", "/v1/traces"}), (mine, {"/v1/metrics", "/v1/traces"})):
            check(paths <= {request.path for request in receiver.requests}, f"{command[0]}: {[request.path for request in receiver.requests]}")


for LAST in ("flush", "close"):
    def time_limit_c(world, last=LAST):
        """The same for a call in C."""
        late_receivers(world)
        driver = Driver(world)
        driver.open(manifest=world.manifest_file)
        driver.track(0)
        driver.begin(0, 0, "s", 1, ROOT)
        driver.end(0)
        status, seconds = elapsed(lambda: getattr(driver, last)(0, LIMIT_MS))
        check(seconds < LATEST, f"{last} took {seconds:.1f} s")
        check_equal(TIMEOUT, status, f"status of {last}")
        driver.leave()

    test(f"own/time-limit-{LAST}", "E9 H14")(time_limit_c)
