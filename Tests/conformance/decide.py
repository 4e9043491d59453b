"""decide.c in Python: the same arguments, the same output."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bindings", "python"))

from libtelemetry import Collector, Consent, Format, Notice, Options, SpanKind, SpanStatus, Status, library  # noqa: E402

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FLAGS = {"--opt-out": {"consent": Consent.OPT_OUT}, "--gate-closed": {"author_gate": False}, "--no-telemetry": {"no_telemetry": True},
         "--force": {"force": True}, "--local-only": {"local_only": True}, "--operator-metrics": {"operator_metrics": True}}


def settings(arguments):
    found = {}
    while arguments:
        flag = arguments.pop(0)
        if flag in FLAGS:
            found.update(FLAGS[flag])
        elif flag == "--manifest":
            found["manifest"] = arguments.pop(0)
        elif flag == "--notice":
            found["notice"] = Notice("Example Ltd", "names of commands", "to see which are used", version=arguments.pop(0))
        elif flag == "--bare-config":
            found["config"] = (arguments.pop(0), None)
        elif flag in ("--config", "--project"):
            found["config" if flag == "--config" else "project_config"] = (arguments.pop(0), arguments.pop(0))
        else:
            sys.exit(64)
    return found


def try_span(telemetry):
    """Each call on a span must say the same."""
    span = telemetry.remote_span("try", {"traceparent": PARENT}, SpanKind.INTERNAL)
    context = span.traceparent
    said = {span.set_attributes(set=True), span.add_event("e"), span.set_status(SpanStatus.ERROR, "m"), span.end()}
    if len(said) != 1:
        sys.exit(71)
    return f"spanned {int(said == {Status.OK})} carried {int(context == PARENT)}"


if not library.available:
    sys.exit(library.reason)
options = Options(sys.argv[1], **settings(sys.argv[2:]))
with Collector(options, close_timeout_ms=0) as telemetry:
    print(f"enabled {int(telemetry.enabled)} counted {int(telemetry.count('runs') is Status.OK)} {try_span(telemetry)}")
sys.stdout.flush()
sys.stdout.buffer.write((options.explain(Format.JSON) + options.explain(Format.TEXT)).encode())
