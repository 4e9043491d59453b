"""Package telemetry of go-tool-base."""
import hashlib
import json
import os
import platform
import re
import socket
import time

from stage import TOOL, wait_until
from suite import check, check_equal, test
from using import AGREED, TELEMETRY, check_nothing, events, files, helper, logged, manifest, origin, otlp, run, unanswered

FILE_BACKEND = "telemetry_options_set_backend_file(options, NULL, 0, 0);"


@test("go-tool-base/G1", "A2 A3")
def gates(world):
    """Two gates: the author's and the user's. While either is closed, nothing happens, and no call fails"""
    record = """telemetry_collector *telemetry = telemetry_open(options);
        say("enabled", telemetry_enabled(telemetry));
        say("track", telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0));
        say("close", telemetry_close(telemetry, 1000));"""
    said = run(world, "telemetry_options_set_author_gate(options, false);" + record, environment=AGREED)
    check_equal({"enabled": "0", "track": "20", "close": "20"}, said, "the author's gate closed")
    unanswered(world)
    check_equal({"enabled": "0", "track": "20", "close": "20"}, run(world, record), "the user's gate closed")
    check_nothing(world)


@test("go-tool-base/G2", "A8")
def enable(world):
    """`telemetry enable` is the user's yes, `telemetry disable` the no"""
    unanswered(world)
    manifest(world, backend={"kind": "file"})
    for word, recorded in (("enable", 1), ("disable", 1), ("enable", 2)):
        helper(world, word)
        helper(world, "track", "x")
        wait_until(lambda: world.counted()["recorded"] == recorded or word == "disable", f"after {word}")
    check_equal(1, world.counted()["recorded"] - 1, "recorded after the no")


@test("go-tool-base/G3", "A6")
def variable(world):
    """The variable turns telemetry on for a process: the tool's own. Without a prefix it can only refuse"""
    track = 'telemetry_collector *telemetry = telemetry_open(options); say("track", telemetry_track(telemetry, "feature.used", "x", NULL, 0)); telemetry_close(telemetry, 0);'
    check_equal("20", run(world, track, environment={"TELEMETRY_ENABLED": "false"})["track"], "TELEMETRY_ENABLED=false, the user agreed")
    unanswered(world)
    check_equal("20", run(world, track, environment={"TELEMETRY_ENABLED": "true"})["track"], "TELEMETRY_ENABLED=true, the user did not agree")
    check_equal("0", run(world, track, environment=AGREED)["track"], "ITEST_TELEMETRY_ENABLED=1")


@test("go-tool-base/G4", "E1 E9")
def at_exit(world):
    """What a run recorded is delivered at its end, also by a program that only calls exit()"""
    receiver = origin(world)
    manifest(world, backend={"kind": "http", "endpoint": receiver.url})
    run(world, """telemetry_options_set_flush_at_exit(options, 5000);
        telemetry_collector *telemetry = telemetry_open(options);
        for (int i = 0; i < 1500; i++)
            telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
        exit(0);""", manifest=True)
    check_equal(1500, len(events(receiver)), "events, more than the reference system's buffer holds")


@test("go-tool-base/G5", "E3 E5")
def spill(world):
    """What cannot be sent waits on disk, and is sent before what a later run records"""
    receiver = origin(world, 503)
    manifest(world, backend={"kind": "http", "endpoint": receiver.url})
    body = """telemetry_collector *telemetry = telemetry_open(options);
        for (int i = 0; i < atoi(argv[1]); i++)
            telemetry_track(telemetry, TELEMETRY_FEATURE_USED, argv[2], NULL, 0);
        telemetry_close(telemetry, atoi(argv[3]));"""
    run(world, body, arguments=("3000", "earlier", "2000"), manifest=True)
    world.expect(3000, pending=3000)
    receiver.requests.clear()
    receiver.answer = 200
    run(world, body, arguments=("1", "later", "0"), manifest=True)
    helper(world, "deliver", "--now")
    names = [event["name"] for event in events(receiver)]
    check_equal(["earlier"] * 3000 + ["later"], names, "the order of arrival")


@test("go-tool-base/G6", "F")
def interface(world):
    """A backend is two functions of the program: one that sends, one that is called at the end. Fields are typed"""
    said = run(world, """telemetry_backend backend = { .size = sizeof backend, .send_events = take, .close = done };
        telemetry_options_set_backend_custom(options, &backend);
        telemetry_collector *telemetry = telemetry_open(options);
        telemetry_attribute attributes[] = { telemetry_int("rows", 12), telemetry_string("format", "csv") };
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "export", attributes, 2);
        say("close", telemetry_close(telemetry, 5000));""", before="""
static telemetry_verdict take(void *context, const telemetry_event *const *events, size_t count, uint32_t timeout_ms)
{
    (void)context, (void)timeout_ms;
    say("count", (long long)count);
    telemetry_attribute field;
    if (telemetry_event_field(events[0], "name", &field) == TELEMETRY_OK)
        tell("name", field.value.string);
    for (size_t i = 0; i < telemetry_event_attribute_count(events[0]); i++)
        if (telemetry_event_attribute(events[0], i, &field) == TELEMETRY_OK) {
            if (field.type == TELEMETRY_INT)
                say(field.key, field.value.integer);
            else
                tell(field.key, field.value.string);
        }
    return TELEMETRY_ACCEPTED;
}
static void done(void *context) { (void)context; say("done", 1); }
""")
    check_equal({"count": "1", "name": "export", "rows": "12", "format": "csv", "close": "0", "done": "1"}, said, "what it said")


@test("go-tool-base/G7", "E10")
def concurrent(world):
    """Every function may be called by any thread"""
    run(world, FILE_BACKEND + """telemetry_collector *telemetry = telemetry_open(options);
        pthread_t threads[8];
        for (int i = 0; i < 8; i++)
            pthread_create(&threads[i], NULL, work, telemetry);
        for (int i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
        telemetry_close(telemetry, 20000);""", before="""
static void *work(void *telemetry)
{
    for (int i = 0; i < 500; i++)
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
    return NULL;
}
""")
    check_equal(4000, len(logged(world)), "events of eight threads")


@test("go-tool-base/G8", "F")
def noop(world):
    """The backend that discards everything"""
    said = run(world, """telemetry_options_set_backend_noop(options);
        telemetry_collector *telemetry = telemetry_open(options);
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
        say("flush", telemetry_flush(telemetry, 5000));
        telemetry_statistics counts = { .size = sizeof counts };
        telemetry_get_statistics(telemetry, &counts);
        say("delivered", (long long)counts.delivered);
        telemetry_close(telemetry, 1000);""")
    check_equal({"flush": "0", "delivered": "1"}, said, "what it counts")


@test("go-tool-base/G9", "F")
def stdout(world):
    """Pretty JSON to any writer: standard output, or a file such as /dev/stderr"""
    path = world.path("writer")
    open(path, "w").close()
    run(world, """telemetry_attribute settings[] = { telemetry_string("path", argv[1]) };
        telemetry_options_add_backend(options, "stdout", settings, 1);
        telemetry_collector *telemetry = telemetry_open(options);
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
        say("close", telemetry_close(telemetry, 5000));""", arguments=(path,))
    with open(path) as file:
        text = file.read()
    check_equal(["x"], [event["name"] for event in json.loads(text)], "events")
    check("\n" in text.strip(), "it is not pretty")


@test("go-tool-base/G10", "F")
def file(world):
    """JSON Lines in a file"""
    path = world.path("home", "log.jsonl")
    run(world, """telemetry_options_set_backend_file(options, argv[1], 0, 0);
        telemetry_collector *telemetry = telemetry_open(options);
        for (int i = 0; i < 3; i++)
            telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
        telemetry_close(telemetry, 5000);""", arguments=(path,))
    with open(path) as lines:
        check_equal(3, len([json.loads(line) for line in lines]), "lines")


LOG = """
static char texts[65536];
static void note(void *context, telemetry_log_level level, const char *text)
{
    (void)context, (void)level;
    if (strlen(texts) + strlen(text) + 2 < sizeof texts)
        strcat(strcat(texts, text), "; ");
}
"""


FAILING = """telemetry_options_set_log(options, note, NULL);
        telemetry_collector *telemetry = telemetry_open(options);
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
        say("flush", telemetry_flush(telemetry, 5000));
        char error[512];
        telemetry_last_error(telemetry, error, sizeof error);
        tell("error", error);
        telemetry_close(telemetry, 0);
        tell("log", texts);"""


@test("go-tool-base/G11", "F E13")
def http(world):
    """JSON by POST. What fails is silent for the user, is kept, and is said to the program's logger if it has one"""
    receiver = origin(world, 500)
    manifest(world, backend={"kind": "http", "endpoint": receiver.url})
    said = run(world, FAILING, before=LOG, manifest=True)
    check_equal("-31", said["flush"], "flush")
    check("500" in said["error"] and "500" in said["log"], f"{said}")
    world.expect(1, pending=1)
    receiver.answer = 200
    helper(world, "deliver", "--now")
    check_equal(["x", "x"], [event["name"] for event in events(receiver)], "sent, and sent again")


@test("go-tool-base/G12", "F")
def otlp_endpoint(world):
    """OTLP's base address has a path, and /v1/logs is appended to it; a slash at its end changes nothing"""
    receiver = origin(world)
    for path in ("/otlp", "/otlp/"):
        manifest(world, backend={"kind": "otlp", "endpoint": receiver.url + path})
        helper(world, "track", "x")
        helper(world, "flush")
    check_equal(["/otlp/v1/logs"] * 2, [asked.path for asked in receiver.requests], "paths")


@test("go-tool-base/G13", "F")
def otlp_errors(world):
    """An error of OTLP reaches the program's logger, and nothing else"""
    receiver = origin(world, 503)
    manifest(world, backend={"kind": "otlp", "endpoint": receiver.url})
    said = run(world, FAILING, before=LOG, manifest=True)
    check("503" in said["error"] and "503" in said["log"], f"{said}")


@test("go-tool-base/G14", "F")
def otlp_headers(world):
    """Headers with every OTLP request"""
    receiver = origin(world)
    manifest(world, backend={"kind": "otlp", "endpoint": receiver.url, "headers": {"X-Scope": "ours"}})
    helper(world, "track", "x")
    helper(world, "flush")
    check_equal("ours", receiver.requests[0].headers["X-Scope"], "the header")


@test("go-tool-base/G15", "F")
def otlp_insecure(world):
    """Without TLS: to this machine, or where the author allows it"""
    manifest(world, backend={"kind": "otlp", "endpoint": "http://collector.example/otlp"})
    done = world.run([TELEMETRY, "manifest", "check", world.manifest_file], expected=None)
    check(done.returncode != 0 and "https" in done.stderr, f"{done.returncode}: {done.stderr}")
    manifest(world, backend={"kind": "otlp", "endpoint": "http://collector.example/otlp", "allow_http": True})
    world.run([TELEMETRY, "manifest", "check", world.manifest_file])


@test("go-tool-base/G16", "F")
def otlp_service(world):
    """The name and version of the service, in the resource"""
    receiver = origin(world)
    manifest(world, backend={"kind": "otlp", "endpoint": receiver.url, "service": "fleet", "service_version": "9.1"})
    helper(world, "track", "x")
    helper(world, "flush")
    (_, _, resource), = otlp(receiver)
    check_equal(("fleet", "9.1"), (resource["service.name"], resource["service.version"]), "service")


@test("go-tool-base/G17", "F")
def datadog(world):
    """Datadog's logs intake"""
    receiver = origin(world, 202)
    manifest(world, backend={"kind": "datadog", "endpoint": receiver.url, "api_key": "dd"})
    helper(world, "track", "x")
    helper(world, "flush")
    asked, = receiver.requests
    check_equal(("/api/v2/logs", "dd"), (asked.path, asked.headers["DD-API-KEY"]), "where, with which key")
    check_equal("feature.used: x", json.loads(asked.body)[0]["message"], "message")


@test("go-tool-base/G18", "F")
def posthog(world):
    """PostHog's batch endpoint"""
    receiver = origin(world, (200, {"Content-Type": "application/json"}, b'{"status": 1}'))
    manifest(world, backend={"kind": "posthog", "endpoint": receiver.url, "api_key": "phc"})
    helper(world, "track", "x")
    helper(world, "flush")
    asked, = receiver.requests
    body = json.loads(asked.body)
    check_equal(("/batch/", "phc", "x"), (asked.path, body["api_key"], body["batch"][0]["properties"]["name"]), "where, with which key")


@test("go-tool-base/G19", "D1")
def anonymous(world):
    """Nothing that names a person: the id is a keyed hash, and no host or user name is in any byte that is sent"""
    receiver = origin(world)
    manifest(world, backend={"kind": "http", "endpoint": receiver.url})
    helper(world, "track", "x", environment={"USER": "canary-user", "LOGNAME": "canary-user", "HOSTNAME": "canary-host"})
    helper(world, "flush", environment={"USER": "canary-user", "LOGNAME": "canary-user"})
    sent = receiver.seen()
    for word in ("canary-user", "canary-host", socket.gethostname(), world.path("home")):
        check(word.encode() not in sent, f"{word} was sent")


@test("go-tool-base/G20", "C6")
def arguments(world):
    """Arguments and error texts are dropped in silence, unless extended collection is on"""
    body = """telemetry_options_set_extended_collection(options, argc > 1);
        telemetry_collector *telemetry = telemetry_open(options);
        const char *arguments[] = { "--depth", "canary" };
        say("track", telemetry_track_command_extended(telemetry, "clone", arguments, 2, "no route", 12, 1, NULL, 0));
        telemetry_close(telemetry, 5000);"""
    check_equal("0", run(world, body)["track"], "without it")
    check(not any(b"canary" in content for content in files(world).values()), "an argument was recorded")
    run(world, body, arguments=("extended",))
    first, second = logged(world)
    check_equal((None, None), (first.get("args"), first.get("error")), "without it")
    check_equal((["--depth", "canary"], "no route"), (second["args"], second["error"]), "with it")


@test("go-tool-base/G21", "D2")
def hashed(world):
    """The hashed machine id, made from the same four parts"""
    said = run(world, """telemetry_options_set_identity(options, TELEMETRY_IDENTITY_HASHED, 0);
        telemetry_options_set_ephemeral(options, TELEMETRY_EPHEMERAL_NEVER);
        telemetry_collector *telemetry = telemetry_open(options);
        char id[128];
        say("length", (long long)telemetry_machine_id(telemetry, id, sizeof id));
        tell("id", id);
        telemetry_close(telemetry, 1000);""")
    check_equal("16", said["length"], "length")

    def read(path):
        try:
            with open(path) as file:
                return file.read().strip()
        except OSError:
            return ""
    ordered = sorted((int(read(f"/sys/class/net/{name}/ifindex")), name) for name in os.listdir("/sys/class/net") if read(f"/sys/class/net/{name}/ifindex"))
    addresses = [read(f"/sys/class/net/{name}/address") for _, name in ordered if not int(read(f"/sys/class/net/{name}/flags") or "0", 16) & 8]
    address = next((each for each in addresses if each.count(":") == 5 and each != "00:00:00:00:00:00"), "")
    import pwd
    parts = [read("/etc/machine-id"), address, platform.node(), pwd.getpwuid(os.geteuid()).pw_name]
    check_equal(hashlib.sha256(":".join(parts).encode()).hexdigest()[:16], said["id"], "the id")


@test("go-tool-base/G22", "E3 I")
def data_directory(world):
    """Where the data is, and what happens if there is no usable home"""
    body = """char path[4096];
        telemetry_data_directory(options, path, sizeof path);
        tell("path", path);
        telemetry_collector *telemetry = telemetry_open(options);
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
        telemetry_close(telemetry, 0);"""
    manifest(world, backend={"kind": "http", "endpoint": "http://127.0.0.1:9/"})
    path = run(world, body, manifest=True)["path"]
    check(any(name.endswith(".seg") for _, _, names in os.walk(path) for name in names), f"no segment below {path}")
    # The fallback of the reference system, if the author allows it.
    os.mkdir(world.path("temporary"), 0o700)
    open(world.path("blocked"), "w").close()
    manifest(world, storage="tmpdir", backend={"kind": "http", "endpoint": "http://127.0.0.1:9/"})
    path = run(world, body, manifest=True, environment={"HOME": world.path("blocked"), "TMPDIR": world.path("temporary"),
                                                        "TELEMETRY_MANIFEST": world.manifest_file, **AGREED})["path"]
    check(path.startswith(world.path("temporary")), path)
    check(any(name.endswith(".seg") for _, _, names in os.walk(path) for name in names), f"no segment below {path}")


@test("go-tool-base/G23", "C2 C8")
def collector(world):
    """A collector has the tool's name and version, and metadata that goes with every event"""
    run(world, """telemetry_attribute metadata[] = { telemetry_string("env", "production") };
        telemetry_options_set_metadata(options, metadata, 1);
        telemetry_collector *telemetry = telemetry_open(options);
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
        telemetry_close(telemetry, 5000);""")
    event, = logged(world)
    check_equal((TOOL, "1.2.3", {"env": "production"}), (event["tool_name"], event["version"], event["metadata"]), "of the collector")


@test("go-tool-base/G24", "A")
def disabled(world):
    """A collector that is off is a silent one: nobody asks whether it is there"""
    said = run(world, """telemetry_collector *telemetry = NULL;
        say("track", telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0));
        say("flush", telemetry_flush(telemetry, 1000));
        say("drop", telemetry_drop(telemetry));
        say("close", telemetry_close(telemetry, 1000));""")
    check_equal({name: "20" for name in ("track", "flush", "drop", "close")}, said, "of no collector")


@test("go-tool-base/G25", "B1")
def backend_info(world):
    """The active backend in words; the author's own words beside the real receiver; off, if it is off"""
    body = """telemetry_options_set_backend_info(options, "the project's own collector");
        telemetry_options_set_backend_http(options, "https://telemetry.example.org/v1", NULL, 0);
        telemetry_collector *telemetry = telemetry_open(options);
        char info[512];
        telemetry_backend_info(telemetry, info, sizeof info);
        tell("info", info);
        telemetry_close(telemetry, 0);"""
    said = run(world, body)["info"]
    check("the project's own collector" in said and "telemetry.example.org" in said, said)
    said = run(world, body, environment={"DO_NOT_TRACK": "1"})["info"]
    check("off" in said and "DO_NOT_TRACK" in said, said)


@test("go-tool-base/G26", "E9")
def close(world):
    """Close delivers what it can within its deadline, and loses nothing"""
    receiver = origin(world)
    manifest(world, backend={"kind": "otlp", "endpoint": receiver.url})
    run(world, """telemetry_collector *telemetry = telemetry_open(options);
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
        say("close", telemetry_close(telemetry, 5000));""", manifest=True)
    check_equal(1, len(otlp(receiver)), "records")


@test("go-tool-base/G27", "A18")
def drop(world):
    """Drop clears what waits, in memory and on disk, without sending it"""
    manifest(world, backend={"kind": "http", "endpoint": "http://127.0.0.1:9/"})
    said = run(world, """telemetry_collector *telemetry = telemetry_open(options);
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "canary", NULL, 0);
        say("drop", telemetry_drop(telemetry));
        telemetry_close(telemetry, 1000);""", manifest=True)
    check_equal("0", said["drop"], "drop")
    check(not any(b"canary" in content for content in files(world).values()), "it is still there")
    world.expect(1, withdrawn=1)


@test("go-tool-base/G28", "E4")
def flush(world):
    """Flush sends what waits and says whether it arrived"""
    receiver = origin(world)
    manifest(world, backend={"kind": "http", "endpoint": receiver.url})
    said = run(world, """telemetry_collector *telemetry = telemetry_open(options);
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
        say("flush", telemetry_flush(telemetry, 5000));
        telemetry_close(telemetry, 0);""", manifest=True)
    check_equal(("0", 1), (said["flush"], len(events(receiver))), "flush, and what came")


@test("go-tool-base/G29", "C1")
def track(world):
    """Track: a type, a name, and more"""
    run(world, """telemetry_collector *telemetry = telemetry_open(options);
        telemetry_attribute attributes[] = { telemetry_string("provider", "claude") };
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "ai.chat", attributes, 1);
        telemetry_close(telemetry, 5000);""")
    event, = logged(world)
    check_equal(("feature.used", "ai.chat", {"provider": "claude"}), (event["type"], event["name"], event["metadata"]), "the event")


@test("go-tool-base/G30", "C1 C3")
def track_command(world):
    """TrackCommand: duration in milliseconds and exit code; a zero is written, not left out"""
    run(world, """telemetry_collector *telemetry = telemetry_open(options);
        telemetry_track_command(telemetry, "generate", 0, 0, NULL, 0);
        telemetry_close(telemetry, 5000);""")
    helper(world, "command", "generate", "--duration-ms", "1500", "--exit-code", "2")
    wait_until(lambda: len(logged(world)) == 2, "both")
    check_equal([(0, 0), (1500, 2)], [(event["duration_ms"], event["exit_code"]) for event in logged(world)], "duration and exit code")


@test("go-tool-base/G31", "C6")
def track_command_extended(world):
    """TrackCommandExtended, from the shell: arguments and an error text of a command that has run"""
    manifest(world, extended_collection=True, backend={"kind": "file"})
    helper(world, "command", "clone", "--duration-ms", "3", "--exit-code", "1", "--argument", "--depth", "--argument", "1", "--error", "no route")
    wait_until(lambda: len(logged(world)) == 1, "it is recorded")
    event, = logged(world)
    check_equal((["--depth", "1"], "no route"), (event["args"], event["error"]), "arguments and error")


@test("go-tool-base/G32", "A9")
def config_enabled(world):
    """The key in the user's configuration file"""
    unanswered(world)
    manifest(world, config={"file": "itest/config.yaml", "key": "telemetry.enabled", "local_only_key": "telemetry.local_only"}, backend={"kind": "file"})
    os.makedirs(world.path("home", ".config", "itest"), exist_ok=True)
    for text, expected in (("telemetry:\n  enabled: true\n", True), ("telemetry:\n  enabled: false\n", False)):
        with open(world.path("home", ".config", "itest", "config.yaml"), "w") as file:
            file.write(text)
        check_equal(expected, json.loads(helper(world, "status", "--json").stdout)["enabled"], text)


@test("go-tool-base/G33", "A7")
def local_only(world):
    """Local only: events go into the log of this machine, and nowhere else"""
    receiver = origin(world)
    manifest(world, config={"file": "itest.yaml", "key": "enabled", "local_only_key": "local_only"}, backend={"kind": "http", "endpoint": receiver.url})
    with open(world.path("home", ".config", "itest.yaml"), "w") as file:
        file.write("enabled: true\nlocal_only: true\n")
    helper(world, "track", "x")
    helper(world, "flush")
    check_equal((1, 0), (len(logged(world)), len(receiver.requests)), "in the log, and sent")


@test("go-tool-base/G34", "G")
def deletion_requestor(world):
    """A request for erasure by a function of the program"""
    said = run(world, """telemetry_options_set_ephemeral(options, TELEMETRY_EPHEMERAL_NEVER);
        telemetry_collector *telemetry = telemetry_open(options);
        char id[128];
        telemetry_machine_id(telemetry, id, sizeof id);
        tell("id", id);
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
        telemetry_close(telemetry, 5000);
        telemetry_deletion deletion = { .size = sizeof deletion, .request = erase };
        say("asked", telemetry_request_deletion(options, &deletion, 5000));
        deletion.machine_id = "0123456789abcdef";
        say("given", telemetry_request_deletion(options, &deletion, 5000));""", before="""
static bool erase(void *context, const char *machine_id)
{
    static int calls;
    (void)context;
    tell(calls++ ? "second" : "first", machine_id);
    return true;
}
""")
    check_equal(("0", "0"), (said["asked"], said["given"]), "results")
    check_equal((said["id"], "0123456789abcdef"), (said["first"], said["second"]), "ids")


@test("go-tool-base/G35", "G")
def email(world):
    """A request by e-mail: an address that the user's mail program opens"""
    manifest(world, deletion={"email": "privacy@example.org"}, backend={"kind": "http", "endpoint": "http://127.0.0.1:9/"})
    helper(world, "track", "x")
    done = helper(world, "request-deletion", "--json")
    asked = json.loads(done.stdout)
    check(asked["method"] == "email" and asked["mailto"].startswith("mailto:privacy@example.org?subject="), done.stdout)


@test("go-tool-base/G36", "G")
def deletion_event(world):
    """A request as an event through the backend, for each id; from C as well"""
    receiver = origin(world)
    manifest(world, backend={"kind": "http", "endpoint": receiver.url})
    helper(world, "track", "x")
    helper(world, "flush")
    helper(world, "request-deletion")
    said = run(world, 'say("asked", telemetry_request_deletion(options, NULL, 10000));', manifest=True)
    check_equal("0", said["asked"], "from C")
    used, first, second = events(receiver)
    check_equal(["data.deletion_request"] * 2, [first["type"], second["type"]], "types")
    check_equal({used["machine_id"]}, {first["machine_id"], second["machine_id"]}, "ids")


@test("go-tool-base/G37", "G")
def deletion_http(world):
    """A request by HTTP"""
    receiver = origin(world)
    manifest(world, deletion={"endpoint": receiver.url + "/erase"}, backend={"kind": "http", "endpoint": receiver.url})
    helper(world, "track", "x")
    helper(world, "flush")
    helper(world, "request-deletion")
    used, = events(type("", (), {"requests": receiver.requests[:1]}))
    asked = receiver.requests[1]
    check_equal(("/erase", used["machine_id"]), (asked.path, json.loads(asked.body)["machine_id"]), "where, for which id")


@test("go-tool-base/G38", "C2")
def event(world):
    """Every field of its event; go_version is runtime"""
    run(world, """telemetry_options_set_runtime(options, "go", "1.26.1");
        telemetry_options_set_extended_collection(options, true);
        telemetry_collector *telemetry = telemetry_open(options);
        const char *arguments[] = { "a" };
        telemetry_attribute attributes[] = { telemetry_string("k", "v") };
        telemetry_track_command_extended(telemetry, "generate", arguments, 1, "e", 1, 1, attributes, 1);
        telemetry_close(telemetry, 5000);""")
    event, = logged(world)
    for name in ("timestamp", "type", "name", "machine_id", "tool_name", "version", "os", "arch", "os_version", "duration_ms", "exit_code", "args", "error", "metadata"):
        check(name in event, f"{name} is missing: {event}")
    check("go" in event["runtime"] and "1.26.1" in event["runtime"], event["runtime"])


@test("go-tool-base/G39", "C2")
def clock(world):
    """Times are UTC, in RFC 3339"""
    before = time.time_ns()
    run(world, """telemetry_collector *telemetry = telemetry_open(options);
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
        telemetry_close(telemetry, 5000);""", environment={"TZ": "Asia/Tokyo"})
    event, = logged(world)
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", event["timestamp"]), event["timestamp"])
    check(time.strftime("%Y-%m-%dT%H", time.gmtime(before / 1e9))[:10] <= event["timestamp"][:10], event["timestamp"])


@test("go-tool-base/G40", "C1")
def types(world):
    """Its six event types, by macros"""
    said = run(world, """const char *types[] = { TELEMETRY_COMMAND_INVOCATION, TELEMETRY_COMMAND_ERROR, TELEMETRY_FEATURE_USED, TELEMETRY_UPDATE_CHECK,
            TELEMETRY_UPDATE_APPLIED, TELEMETRY_DATA_DELETION_REQUEST };
        for (int i = 0; i < 6; i++)
            say(types[i], i);""")
    check_equal(["command.invocation", "command.error", "feature.used", "update.check", "update.applied", "data.deletion_request"], list(said), "types")


@test("go-tool-base/G41", "E6 E7")
def delivery_mode(world):
    """At least once or at most once, as the author chooses"""
    for guarantee, pending in (("TELEMETRY_AT_LEAST_ONCE", "1"), ("TELEMETRY_AT_MOST_ONCE", "0")):
        receiver = origin(world, 500)
        said = run(world, f"""telemetry_options_set_guarantee(options, {guarantee});
            telemetry_options_set_backend_http(options, "{receiver.url}/", NULL, 0);
            telemetry_collector *telemetry = telemetry_open(options);
            telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
            telemetry_flush(telemetry, 5000);
            telemetry_statistics counts = {{ .size = sizeof counts }};
            telemetry_get_statistics(telemetry, &counts);
            say("pending", (long long)counts.pending);
            telemetry_drop(telemetry);
            telemetry_close(telemetry, 0);""")
        check_equal(pending, said["pending"], f"after an answer of 500, {guarantee}")
