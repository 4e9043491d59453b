"""OTLP's traces as opentelemetry-proto decodes them, and what its types cannot say; under the interpreter of build/venv."""

import otlp_strict

COUNTS = {"droppedAttributesCount", "droppedEventsCount", "droppedLinksCount", "flags"}


def check_json(name, member):
    """docs/specification.md, "JSON Protobuf Encoding": enums as integers, 64 bits as text."""
    if (name in ("kind", "code") or name in COUNTS) and type(member) is not int:
        raise ValueError(f"{name} is {member!r}, expected a number")
    if (name.endswith("UnixNano") or name == "intValue") and not isinstance(member, str):
        raise ValueError(f"{name} is {member!r}, expected 64 bits as text")
    if name in COUNTS and member == 0 or name.endswith("UnixNano") and member == "0":
        raise ValueError(f"{name} has its default value")


def check_keys(attributes, where):
    keys = [pair.key for pair in attributes]
    if len(set(keys)) != len(keys):
        raise ValueError(f"{where}: a key is there twice: {sorted(keys)}")


def check_span(span):
    if len(span.trace_id) != 16 or not any(span.trace_id) or len(span.span_id) != 8 or not any(span.span_id):
        raise ValueError("a span without ids")
    if len(span.parent_span_id) not in (0, 8) or span.parent_span_id and not any(span.parent_span_id):
        raise ValueError("a parent's id that is none")
    if not 1 <= span.kind <= 5 or not 0 <= span.status.code <= 2:
        raise ValueError(f"kind {span.kind}, status {span.status.code}")
    if span.end_time_unix_nano < span.start_time_unix_nano:
        raise ValueError("it ends before it begins")
    if span.status.message and span.status.code != 2:
        raise ValueError("a message without an error")
    if not span.flags & 0x100 or span.flags >> 10:
        raise ValueError(f"flags {span.flags:#x}")
    check_keys(span.attributes, "span")
    for event in span.events:
        check_keys(event.attributes, "event")
    for link in span.links:
        check_keys(link.attributes, "link")
        if len(link.trace_id) != 16 or len(link.span_id) != 8 or link.flags >> 10:
            raise ValueError("a link that leads nowhere")


def check_message(message):
    for resource_spans in message.resource_spans:
        check_keys(resource_spans.resource.attributes, "resource")
        if "service.name" not in [pair.key for pair in resource_spans.resource.attributes]:
            raise ValueError("a resource without service.name")
        for scope_spans in resource_spans.scope_spans:
            if not scope_spans.scope.name or not scope_spans.spans:
                raise ValueError("a scope without a name or without spans")
            for span in scope_spans.spans:
                check_span(span)


def messages(lines):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    return otlp_strict.messages(lines, ExportTraceServiceRequest, check_json, check_message)
