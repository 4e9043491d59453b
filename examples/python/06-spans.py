#!/usr/bin/env python3
"""Spans end with their blocks, by a return or an exception. Tasks of asyncio have the parents that a reader expects."""
import asyncio

from libtelemetry import Collector, Options, SpanKind


async def resize(telemetry: Collector, width: int) -> None:
    with telemetry.span("resize") as span:  # below the span in whose block it is called
        span.set_attributes(width=width)
        await asyncio.sleep(0.01)
        if width <= 0:
            raise ValueError("no width")


async def answer(telemetry: Collector, headers: dict[str, str], width: int) -> int:
    # The name says what is done, and an attribute with what: so all requests have one name.
    with telemetry.remote_span("GET /thumbnail", headers) as request:
        try:
            await resize(telemetry, width)
        except ValueError as error:
            request.record_exception(error)  # its class; its text only with extended collection
            return 400
        request.add_event("resized")
        return 200


async def main() -> None:
    with Collector(Options("thumbnails", "1.0")) as telemetry:
        with telemetry.span("fetch", SpanKind.CLIENT) as client:
            headers = client.headers()  # traceparent and tracestate, for any HTTP client
            print(*await asyncio.gather(answer(telemetry, headers, 200), answer(telemetry, headers, 0)))


asyncio.run(main())
