"""What a Zipkin server of version 2 takes, and OpenTelemetry's mapping to it, enforced: anything else is refused with a reason.

    zipkin_strict.py        standard input: one body as HEX a line; prints the spans of each, or ends with the reason
"""
import ipaddress
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from vendor_receiver import VendorReceiver, read, unique  # noqa: E402

PATH = "/api/v2/spans"
LIMIT = 5 << 20
MEMBERS = {"traceId", "id", "parentId", "name", "kind", "timestamp", "duration", "localEndpoint", "remoteEndpoint", "annotations", "tags",
           "debug", "shared"}
KINDS = {"CLIENT", "SERVER", "PRODUCER", "CONSUMER"}
COUNTS = {f"otel.dropped_{name}_count" for name in ("attributes", "events", "links")}


def expect(condition, reason):
    if not condition:
        raise ValueError(reason)


def check_id(span, name, *lengths):
    value = span[name]
    expect(isinstance(value, str) and len(value) in lengths and re.fullmatch("[0-9a-f]+", value), f"{name} is {value!r}")
    expect(value.strip("0"), f"{name} is all zeros")


def check_whole(value, name, least=1):
    expect(type(value) is int and least <= value < 1 << 63, f"{name} is {value!r}, expected a whole number from {least}")


def check_endpoint(endpoint, name):
    expect(isinstance(endpoint, dict) and endpoint, f"{name} is {endpoint!r}")
    expect(not set(endpoint) - {"serviceName", "ipv4", "ipv6", "port"}, f"members of {name}: {sorted(endpoint)}")
    if "serviceName" in endpoint:
        service = endpoint["serviceName"]
        # Zipkin's servers lower ASCII; other letters are as they come.
        expect(isinstance(service, str) and service and not re.search("[A-Z]", service), f"{name}.serviceName is {service!r}")
    if "ipv4" in endpoint:
        ipaddress.IPv4Address(endpoint["ipv4"])
    if "ipv6" in endpoint:
        ipaddress.IPv6Address(endpoint["ipv6"])
    if "port" in endpoint:
        check_whole(endpoint["port"], f"{name}.port")
        expect(endpoint["port"] < 65536, f"{name}.port is {endpoint['port']}")


def check_tags(tags):
    expect(isinstance(tags, dict) and tags, f"tags are {tags!r}")
    for key, value in tags.items():
        expect(isinstance(value, str), f"tag {key} is {value!r}, expected text")
    status = tags.get("otel.status_code")
    expect(status in (None, "OK", "ERROR"), f"otel.status_code is {status!r}")
    expect(("error" in tags) == (status == "ERROR"), f"status {status} with the tags {sorted(tags)}")
    for name in COUNTS & set(tags):
        expect(re.fullmatch("[1-9][0-9]*", tags[name]), f"{name} is {tags[name]!r}")


def check_span(span):
    expect(isinstance(span, dict), f"a span is {span!r}")
    expect(not set(span) - MEMBERS, f"members that Zipkin does not know: {sorted(set(span) - MEMBERS)}")
    for name in ("traceId", "id", "localEndpoint", "duration"):
        expect(name in span, f"{name} is missing")
    check_id(span, "traceId", 16, 32)
    check_id(span, "id", 16)
    if "parentId" in span:
        check_id(span, "parentId", 16)
        expect(span["parentId"] != span["id"], "parentId is the span's own id")
    if "name" in span:
        expect(isinstance(span["name"], str) and span["name"], f"name is {span['name']!r}")
    if "kind" in span:
        expect(span["kind"] in KINDS, f"kind is {span['kind']!r}")
    if "timestamp" in span:
        check_whole(span["timestamp"], "timestamp")
    check_whole(span["duration"], "duration")
    for name in ("localEndpoint", "remoteEndpoint"):
        if name in span:
            check_endpoint(span[name], name)
    expect("serviceName" in span["localEndpoint"], "localEndpoint has no serviceName")
    for annotation in span.get("annotations", [{"timestamp": 1, "value": "x"}]):
        expect(set(annotation) == {"timestamp", "value"} and isinstance(annotation["value"], str), f"an annotation is {annotation!r}")
        check_whole(annotation["timestamp"], "an annotation's timestamp")
    expect(span.get("annotations", [1]), "an empty list of annotations")
    if "tags" in span:
        check_tags(span["tags"])
    for name in ("debug", "shared"):
        expect(type(span.get(name, True)) is bool, f"{name} is {span.get(name)!r}")


def check_body(spans):
    expect(isinstance(spans, list) and 1 <= len(spans) <= 1000, "no array of 1 to 1000 spans")
    for span in spans:
        check_span(span)
    return spans


def rules(request):
    """For VendorReceiver."""
    read(request, PATH, LIMIT)
    check_body(request.json)


def receiver():
    """Answers as Zipkin does: 202 and nothing, or 400."""
    return VendorReceiver(rules, 202, body="")


def main():
    for line in sys.stdin:
        print(json.dumps(check_body(json.loads(bytes.fromhex(line).decode("utf-8"), object_pairs_hook=unique))))


if __name__ == "__main__":
    main()
