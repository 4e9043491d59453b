"""PostHog: what libtelemetry sends is what the official client sends."""
from stage import OK
from suite import check, check_equal, test
from vendor_receiver import UUID7, expect_text, moment, read, size
from vendors import KEY, check_fields, compare, compare_heads, no_key_anywhere, official, receiver, through_c, through_helper


def rules(request):
    """wire-formats, "PostHog"."""
    read(request, "/batch/", 5 << 20)
    body = request.json
    if body["api_key"] != KEY or body["historical_migration"] is not False or not 1 <= len(body["batch"]) <= 100:
        raise ValueError(f"api_key, historical_migration or {len(body['batch'])} events")
    moment(body["sent_at"])
    for event in body["batch"]:
        # PostHog says 200 to an event without these, and forgets it.
        expect_text(event, "event", "distinct_id", "uuid")
        if not UUID7.fullmatch(event["uuid"]) or size(event) > 900 << 10 or len(event["distinct_id"]) > 200:
            raise ValueError("uuid or size")
        if moment(event["timestamp"]) > moment(body["sent_at"]):
            raise ValueError("it was recorded after it was sent")
        properties = event["properties"]
        if properties["$process_person_profile"] is not False or properties["$geoip_disable"] is not True:
            raise ValueError("a profile or a place would be made of it")
        expect_text(properties, "$lib", "$lib_version")


@test("posthog/every-field", "F C2")
def every_field(stage):
    """Every field of an event arrives, from the C library."""
    posthog = receiver(stage, rules)
    printed = through_c(stage, "posthog", "full", endpoint=posthog.url + "/", api_key=KEY)
    check_equal(f"{OK} posthog: POST {posthog.url}/batch/", printed, "what close returned, and the description")
    [event] = posthog.taken()[0].json["batch"]
    check_fields(event["properties"])
    check_equal("command.invocation", event["event"], "event")
    check_equal(event["properties"]["machine_id"], event["distinct_id"], "distinct_id")
    check_equal(("libtelemetry", "0.1.0"), (event["properties"]["$lib"], event["properties"]["$lib_version"]), "$lib")
    stage.expect(1, delivered=1)
    no_key_anywhere(stage)


@test("posthog/official-client", "F")
def official_client(stage):
    """Method, path, headers, and the members of body, event and properties are those of posthog-python."""
    posthog = receiver(stage, rules)
    official("posthog", posthog.url)
    through_helper(stage, "posthog", posthog)
    theirs, ours = posthog.taken()
    compare_heads(theirs, ours, "Content-Type")
    compare(theirs.json, ours.json, "body")
    compare(theirs.json["batch"][0], ours.json["batch"][0], "event")
    (their, our) = (request.json["batch"][0]["properties"] for request in (theirs, ours))
    # What is PostHog's own begins with a dollar sign; theirs says more of the machine than ours.
    of_the_machine = {"$python_runtime", "$python_version", "$os", "$os_version", "$os_distro", "$is_server"}
    compare({name: their[name] for name in their if name[0] == "$"}, {name: our[name] for name in our if name[0] == "$"}, "properties",
            only_theirs=of_the_machine)
    check_equal(their["name"], our["name"], "a property")
    check_equal(type(their["metadata"]), type(our["metadata"]), "type of a nested property")


@test("posthog/without-identity", "F D")
def without_identity(stage):
    """Without a machine id each event is somebody else's."""
    posthog = receiver(stage, rules)
    through_c(stage, "posthog", "anonymous", "track=3", endpoint=posthog.url, api_key=KEY)
    events = [event for request in posthog.taken() for event in request.json["batch"]]
    check_equal([event["uuid"] for event in events], [event["distinct_id"] for event in events], "distinct ids")
    check(not any("machine_id" in event["properties"] for event in events), "an empty machine id")


@test("posthog/batches", "F E5 E6 E8")
def batches(stage):
    """At most 100 events a request, each once and in order; what is not taken now is kept."""
    posthog = receiver(stage, rules)
    posthog.answers += [(200, []), (503, [("Retry-After", "1")])]
    through_c(stage, "posthog", "track=350", endpoint=posthog.url, api_key=KEY)
    stage.expect(350, delivered=100, pending=250)
    stage.manifest(posthog.url, kind="posthog", api_key=KEY)
    stage.helper("deliver", "--now")
    events = [event for request in posthog.taken() for event in request.json["batch"]]
    check_equal(list(range(350)), [event["properties"]["metadata"]["sequence"] for event in events], "events")
    check_equal(350, len({event["uuid"] for event in events}), "different ids")
    stage.expect(350, delivered=350)
