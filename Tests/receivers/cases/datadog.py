"""Datadog logs v2: what libtelemetry sends is what the official client sends."""
import time

from stage import OK
from suite import check, check_equal, test
from vendor_receiver import UUID7, expect_text, moment, read, size
from vendors import KEY, check_fields, compare, compare_heads, no_key_anywhere, official, receiver, through_c, through_helper

TAGS = ["event_type", "tool_version", "os", "arch"]


def rules(request):
    """wire-formats, "Datadog logs v2"."""
    read(request, "/api/v2/logs", 5_000_000)
    if request.header("DD-API-KEY") != KEY:
        raise ValueError("DD-API-KEY is wrong")
    if not isinstance(request.json, list) or not 1 <= len(request.json) <= 1000:
        raise ValueError("no array of 1 to 1000 entries")
    for entry in request.json:
        expect_text(entry, "message", "ddsource", "ddtags", "service")
        if size(entry) > 1_000_000 or "hostname" in entry:
            raise ValueError("an entry is too large, or has a hostname")
        if any(tag.count(":") < 1 or not tag[0].isalpha() or len(tag) > 200 for tag in entry["ddtags"].split(",")):
            raise ValueError(f"ddtags {entry['ddtags']}")
        # Datadog's own time of the log is looked for here.
        age = time.time() - entry["timestamp"] / 1000 if "timestamp" in entry else 0
        if not -7200 < age < 18 * 3600 or set(entry) & {"date", "_timestamp", "Timestamp", "eventTime", "published_date"}:
            raise ValueError(f"a time {age} s ago")


@test("datadog/every-field", "F C2")
def every_field(stage):
    """Every field of an event arrives, from the C library."""
    datadog = receiver(stage, rules, 202)
    printed = through_c(stage, "datadog", "full", endpoint=datadog.url, api_key=KEY, service="shop", source="c")
    check_equal(f"{OK} datadog: POST {datadog.url}/api/v2/logs", printed, "what close returned, and the description")
    [[entry]] = [request.json for request in datadog.taken()]
    check_fields(entry)
    check_equal(("command.invocation: run it", "c", "shop", "command.invocation"),
                tuple(entry[name] for name in ("message", "ddsource", "service", "type")), "Datadog's own")
    tags = dict(tag.split(":", 1) for tag in entry["ddtags"].split(","))
    check_equal(TAGS, list(tags), "tags")
    check_equal({"event_type": "command.invocation", "tool_version": "1.2.3", "os": "linux", "arch": entry["arch"]}, tags, "tags")
    check(UUID7.fullmatch(entry["event_id"]), entry["event_id"])
    check_equal(int(moment(entry["event_timestamp"]).timestamp() * 1000), entry["timestamp"], "the time in milliseconds")
    stage.expect(1, delivered=1)
    no_key_anywhere(stage)


@test("datadog/official-client", "F")
def official_client(stage):
    """Method, path, headers, and the members of an entry are those of datadog-api-client."""
    datadog = receiver(stage, rules, 202)
    official("datadog", datadog.url)
    through_helper(stage, "datadog", datadog, service="mytool")
    theirs, ours = datadog.taken()
    compare_heads(theirs, ours, "Content-Type", "DD-API-KEY")
    own = {"message", "ddsource", "ddtags", "service"}
    compare({name: theirs.json[0][name] for name in own}, {name: ours.json[0][name] for name in own}, "entry")
    # What else is in an entry is an attribute, for them as for us.
    check_equal("search", theirs.json[0]["name"], "an attribute of theirs")
    check_equal("search", ours.json[0]["name"], "an attribute of ours")
    check_equal(theirs.json[0]["message"], ours.json[0]["message"], "message")


@test("datadog/site", "F")
def site(stage):
    """A site that is not Datadog's is a mistake in the settings, not a host to send to."""
    printed = through_c(stage, "datadog", "full", site="datadog.example", api_key=KEY)
    check("the value is not known; expected one of datadoghq.com" in printed, printed)


@test("datadog/rate-limit", "E6 E8")
def rate_limit(stage):
    """429 keeps the events for as long as X-RateLimit-Reset says; after 403 they wait for another key."""
    datadog = receiver(stage, rules, 202)
    datadog.answers += [(429, [("X-RateLimit-Reset", "1800")]), (403, [])]
    through_c(stage, "datadog", "track=1", endpoint=datadog.url, api_key=KEY)
    stage.manifest(datadog.url, kind="datadog", api_key=KEY)
    status = stage.expect(1, pending=1)
    pause = moment(status["last_delivery"]["next_attempt"]) - moment(status["last_delivery"]["last_attempt"])
    check(1795 <= pause.total_seconds() <= 1801, f"it is held back for {pause}")
    stage.helper("deliver", expected=None)
    check_equal(1, len(datadog.requests), "requests before it is time")
    stage.helper("deliver", "--now", expected=None)
    stage.expect(1, pending=1)


@test("datadog/large", "F E8")
def large(stage):
    """The largest events arrive whole, within the limits of a request."""
    datadog = receiver(stage, rules, 202)
    through_c(stage, "datadog", *["large=64000"] * 12, "track=1500", endpoint=datadog.url, api_key=KEY)
    entries = [entry for request in datadog.taken() for entry in request.json]
    check_equal([63] * 12 + [1] * 1500, [len(entry["metadata"]) - 1 for entry in entries], "attributes of each event")
    stage.expect(1512, delivered=1512)
