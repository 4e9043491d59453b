"""ClickHouse: Debian's server takes what is posted, today's engine runs the same statements on the tables of examples/clickhouse."""
import json
import re

from clickhouse_server import USER, Server, statements, today
from stage import OK
from suite import check, check_equal, test
from vendor_receiver import UUID7, VendorReceiver
from vendors import KEY, METADATA, check_fields, no_key_anywhere, through_c

STATEMENT = re.compile(r"INSERT INTO `telemetry`\.`events` SETTINGS async_insert = 0, input_format_skip_unknown_fields = 1, "
                       r"insert_deduplication_token = '[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}' FORMAT JSONEachRow")
OLD = {"deduplication": "none", "user": USER, "api_key": KEY}
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9}"


def rules(request):
    """A statement, and a row on each line."""
    if (request.method, request.path, request.header("X-ClickHouse-Key")) != ("POST", "/", KEY):
        raise ValueError(f"{request.method} {request.path}")
    statement, *rows = request.body.decode().splitlines()
    if not STATEMENT.fullmatch(statement):
        raise ValueError(statement)
    request.json = [json.loads(row) for row in rows]
    for row in request.json:
        if not UUID7.fullmatch(row["event_id"]) or not re.fullmatch(TIME, row["timestamp"]):
            raise ValueError(row)


def recorder(stage):
    """What is posted there can be given to today's engine."""
    return stage.closes(VendorReceiver(rules, 200, ""))


def bodies(posted):
    return [request.body.decode() for request in posted.taken()]


@test("clickhouse/every-field", "F C2")
def every_field(stage):
    """Every field of an event is stored by Debian's server, compressed on the way, with user and key in headers."""
    server = Server(stage)
    printed = through_c(stage, "clickhouse", "full", "track=40", endpoint=server.url, compression="gzip", **OLD)
    check_equal(f"{OK} clickhouse: POST {server.url}/", printed, "what close returned, and the description")
    rows = server.rows()
    check_equal(41, len(rows), "rows")
    row = rows[0]
    check(re.fullmatch(TIME, row["timestamp"]), row["timestamp"])
    check_fields({**row, "duration_ms": int(row["duration_ms"]), "metadata": json.loads(row["metadata"])})
    check_equal("command.invocation", row["type"], "type")
    check_equal(list(range(40)), [json.loads(each["metadata"])["sequence"] for each in rows[1:]], "the others, in order")
    check_equal((None, None, "", []), tuple(rows[1][name] for name in ("duration_ms", "exit_code", "error", "args")), "what an event does not have")
    stage.expect(41, delivered=41)
    no_key_anywhere(stage)
    check_equal("", stage.helper("show", "--wire"), "what waits")


@test("clickhouse/bad-row", "E8 E12")
def bad_row(stage):
    """Rows that the table cannot hold cost no other, with either guarantee: 500 for all is answered row by row, and not retried for ever."""
    for guarantee in ("at-least-once", "at-most-once"):
        with type(stage)(stage.shared) as world:
            server = Server(world, name="FixedString(4)")
            world.manifest("http://127.0.0.1:1", {"delivery": {"guarantee": guarantee}}, kind="clickhouse", **OLD)
            for name in ["good", "toolong", "well", "done", "toolong", "toolong", "here"]:
                world.helper("track", name)
            world.manifest(server.url, {"delivery": {"guarantee": guarantee}}, kind="clickhouse", **OLD)
            world.helper("deliver", "--now")
            check_equal(["good", "well", "done", "here"], [row["name"] for row in server.rows()], "rows")
            world.expect(7, delivered=4, rejected=3)
            check("ClickHouse's code 131" in world.helper("doctor", expected=None), "doctor does not name the code")


@test("clickhouse/no-table", "E6 E8")
def no_table(stage):
    """A table that is not there yet, and a key that is refused, cost no event; they go when it is there."""
    server = Server(stage, has_table=False)
    sections = {"delivery": {"guarantee": "at-most-once"}}
    for settings, says in (OLD, "ClickHouse's code 60"), ({**OLD, "api_key": "wrong"}, "HTTP 401: the receiver refuses the key"), \
            ({**OLD, "deduplication": "token"}, "ClickHouse's code 62"):
        stage.manifest(server.url, sections, kind="clickhouse", **settings)
        stage.helper("track", "search")
        stage.helper("deliver", "--now", expected=None)
        error = stage.status()["last_delivery"]["last_error"]
        check(says in error and KEY not in error, f"{says}: {error}")
    stage.expect(3, pending=3)
    stage.manifest(server.url, sections, kind="clickhouse", **OLD)
    server.make_table()
    stage.helper("deliver", "--now")
    check_equal(3, len(server.rows()), "rows")
    stage.expect(3, delivered=3)


@test("clickhouse/doctor", "B4 F")
def doctor(stage):
    """`doctor` reaches the server; `show --wire` prints statement and rows, without user and key."""
    server = Server(stage)
    stage.manifest(server.url, kind="clickhouse", **{**OLD, "user": "somebody"})
    stage.helper("track", "search")
    wire = stage.helper("show", "--wire")
    check("X-ClickHouse-User: ***" in wire and "INSERT INTO `events` FORMAT JSONEachRow\n{" in wire and KEY not in wire, wire)
    found = stage.helper("doctor", expected=None)
    check("answers HEAD with HTTP 200" in found and KEY not in found, found)


@test("clickhouse/erasure", "G")
def erasure(stage):
    """A request for erasure is a row like others; erase.sql takes the events of that installation and nobody else's."""
    posted = recorder(stage)
    settings = {"database": "telemetry", "api_key": KEY}
    through_c(stage, "clickhouse", "track=3", endpoint=posted.url, **settings)
    stage.manifest(posted.url, kind="clickhouse", **settings)
    stage.helper("request-deletion")
    other = bodies(posted)[0].replace(posted.taken()[0].json[0]["machine_id"], "of-another")
    count = "SELECT machine_id, count() AS n FROM telemetry.events GROUP BY machine_id ORDER BY n"
    *inserted, asked, before, erased, after = today(
        stage, *statements("events.sql"), *statements("views.sql"), *bodies(posted), re.sub("token = '.{36}'", "token = 'other'", other),
        "SELECT tool_name, machine_id FROM telemetry.deletion_requests", count, *statements("erase.sql"), count)
    check(all(each == [] for each in inserted), f"{inserted}")
    machine_id = posted.taken()[0].json[0]["machine_id"]
    check_equal([{"tool_name": "itest", "machine_id": machine_id}], asked, "who has asked")
    check_equal({"of-another": 3, machine_id: 4}, {row["machine_id"]: int(row["n"]) for row in before}, "rows before")
    check_equal([], erased, "answer")
    check_equal({"of-another": 3, machine_id: 1}, {row["machine_id"]: int(row["n"]) for row in after}, "rows afterwards: the request stays")


@test("clickhouse/today", "F C2 E6")
def today_engine(stage):
    """Today's engine runs what was posted: every field to the nanosecond in any time zone, a batch that comes twice once, the views."""
    posted = recorder(stage)
    settings = {"endpoint": posted.url, "database": "telemetry", "api_key": KEY, "compression": "gzip"}
    for _ in range(2):
        through_c(stage, "clickhouse", "sampled", "full", "track=5", "text=2026-02-30", **settings)
    first, second = bodies(posted)
    rows = posted.taken()[0].json
    # The same rows in another insert, as after a kill between two answers.
    again = re.sub("token = '.{36}'", "token = 'another'", first)
    views = ["unique_events", "active_installations", "active_installations_by_month", "versions", "error_categories", "deletion_requests"]
    counted = "SELECT toUInt32(count()) AS n FROM telemetry.events"
    answers = today(
        stage, *statements("events.sql"), *statements("views.sql"), first, counted, first, counted, second, counted, again, counted,
        f"SELECT * FROM telemetry.unique_events WHERE event_id = '{rows[0]['event_id']}'",
        "SELECT toUInt32(count()) AS n, countIf(type = 'feature.used') AS used FROM telemetry.unique_events",
        *[f"SELECT * FROM telemetry.{view}" for view in views[1:]], first.replace('"schema_version":1,"event_id":"', '"schema_version":1,"event_id":"x', 1))
    check(not any(isinstance(each, str) for each in answers[:-1]), f"{[each for each in answers if isinstance(each, str)]}")
    start = len(statements("events.sql") + statements("views.sql"))
    check_equal([7, 7, 14, 21], [each[0]["n"] for each in answers[start + 1:start + 8:2]], "rows after one insert, the same, another, the same rows anew")
    [[event], [unique], daily, monthly, versions, errors, deletions, refused] = answers[start + 8:]
    check_equal(rows[0]["timestamp"], event["timestamp"], "timestamp")
    check_fields({**event, "duration_ms": int(event["duration_ms"]), "metadata": {
        key: value for key, value in json.loads(event["metadata"]).items() if key != "sample_rate"}})
    check_equal(rows[0]["metadata"], event["metadata"], "metadata, to the byte")
    check(1 < event["weight"] < 1.1, f"weight {event['weight']}")
    check_equal((14, "10"), (unique["n"], str(unique["used"])), "unique events")
    for name, found in {"daily": daily, "monthly": monthly, "versions": versions}.items():
        check_equal(["1"], [str(row["installations"]) for row in found], name)
    check_equal("1.2.3", versions[0]["version"], "version")
    check_equal(4, sum(int(row["events"]) for row in errors), f"failures {errors}")
    check_equal([], deletions, "requests for erasure")
    check(refused.startswith("Code: ") and "(at row 1)" in refused, f"a bad row: {refused}")


@test("clickhouse/columns", "C2")
def columns(stage):
    """The table has a column for each field that an event may have, and no other but its own."""
    [_, table] = statements("events.sql")
    names = re.findall(r"^    (\w+) ", table.split("ENGINE")[0], re.MULTILINE)
    stage.manifest("https://example.org", {"extended_collection": True})
    schema = json.loads(stage.helper("show", "--schema", "--json"))["fields"]
    check_equal({field["name"] for field in schema} | {"received_at"}, set(names), "columns")
    check("sample_rate" not in METADATA, "a key of ours")
