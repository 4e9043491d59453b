# SPDX-License-Identifier: Apache-2.0
"""Spans: what a program does, with its place in a trace."""
from __future__ import annotations

import contextvars
import ctypes
import os
from typing import TYPE_CHECKING, Any, Final

from . import _abi, _errors
from ._library import library
from ._values import attributes as listed
from ._values import name as named
from ._values import text, written
from .enums import SpanStatus, Status, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Protocol, Union

    from ._values import Attributes, Value

    class HasItems(Protocol):
        """The header fields of a request: a dict, an email.message.Message, and what HTTP libraries have."""

        def items(self) -> Iterable[tuple[str, str]]: ...

    Headers = Union[HasItems, Iterable[tuple[Union[str, bytes], Union[str, bytes]]]]

#: Each task of asyncio, and each thread, has another one. The library knows only of threads, so it gets the parent at each call.
_current: Final[contextvars.ContextVar[Span | None]] = contextvars.ContextVar("libtelemetry.current_span", default=None)
_VARIABLES: Final = ("TRACEPARENT", "TRACESTATE", "BAGGAGE")


def current_span() -> Span | None:
    """The span in whose `with` block this is, if there is one."""
    return _current.get()


class Span:
    """A span. As a context manager it is the parent of what begins in the block, and ends with it. Any thread may use it."""

    __slots__ = ("_data", "_owner", "_tokens", "__weakref__")

    def __init__(self, data: Any, owner: object = None) -> None:
        """Not for programs: a collector begins spans."""
        #: What the library takes; it keeps the structure.
        self._data = ctypes.byref(data)
        #: The command whose span this is, and which ends it.
        self._owner = owner
        self._tokens: list[contextvars.Token[Span | None]] = []

    def __enter__(self) -> Span:
        self._tokens.append(_current.set(self))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leave()
        if self._owner is None:
            if error is not None:
                self.record_exception(error)
            self.end()

    def _leave(self) -> None:
        if self._tokens:
            try:
                _current.reset(self._tokens.pop())
            except ValueError:
                pass  # a generator that is closed in another context than it was begun in

    def active(self) -> ActiveSpan:
        """For `with`: the parent of what begins in the block, in another thread for example. The span goes on."""
        return ActiveSpan(self)

    def set_attributes(self, attributes: Attributes | None = None, /, **more: Value) -> Status:
        """telemetry_span_set_attributes()"""
        return status_of(library.telemetry_span_set_attributes(self._data, *listed(attributes, more)))

    def add_event(self, name: str, attributes: Attributes | None = None, /, **more: Value) -> Status:
        """Something that happens now: telemetry_span_add_event()."""
        return status_of(library.telemetry_span_add_event(self._data, named(name), *listed(attributes, more)))

    def add_link(self, traceparent: str, tracestate: str | None = None, attributes: Attributes | None = None, /, **more: Value) -> Status:
        """telemetry_span_add_link()"""
        return status_of(library.telemetry_span_add_link(self._data, text(traceparent), text(tracestate), *listed(attributes, more)))

    def set_status(self, status: SpanStatus, message: str | None = None) -> Status:
        """telemetry_span_set_status()"""
        return status_of(library.telemetry_span_set_status(self._data, _errors.member(status), text(message)))

    def record_error(self, error_category: str, error: str | None = None) -> Status:
        """telemetry_span_record_error()"""
        return status_of(library.telemetry_span_record_error(self._data, named(error_category), text(error)))

    def record_exception(self, error: BaseException) -> Status:
        """A failure: its category, its class as the attribute `error.type`, and its text with extended collection only. What ends a
        program or a generator in good order is not a failure."""
        category = _errors.category(error)
        if not category:
            return Status.OK
        self.set_attributes({"error.type": _errors.type_name(error)})
        return self.record_error(category, _errors.message(error))

    def end(self) -> Status:
        """telemetry_span_end(): the first call counts. The span still is a parent for others."""
        return status_of(library.telemetry_span_end(self._data))

    @property
    def traceparent(self) -> str:
        """The value of the header field `traceparent`; empty: there is no trace to hand on."""
        return written(lambda buffer, size: library.telemetry_span_traceparent(self._data, buffer, size))

    @property
    def tracestate(self) -> str:
        """The value of the header field `tracestate`; empty: send none."""
        return written(lambda buffer, size: library.telemetry_span_tracestate(self._data, buffer, size))

    def headers(self) -> dict[str, str]:
        """The header fields for a request to another program."""
        fields = {"traceparent": self.traceparent, "tracestate": self.tracestate}
        return {name: value for name, value in fields.items() if value}

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment for a child process: a copy of `base`, by default of os.environ, that hands on the trace."""
        environment = dict(os.environ if base is None else base)
        if not library.available:
            return environment
        for name in _VARIABLES:
            environment.pop(name, None)
        size = library.telemetry_span_environment(self._data, None, 0)
        block = ctypes.create_string_buffer(max(size, 1))
        if library.telemetry_span_environment(self._data, block, size) <= size:
            for entry in filter(None, block.raw.split(b"\0")):
                name, _, value = os.fsdecode(entry).partition("=")
                environment[name] = value
        return environment

    def __del__(self, _end: Callable[[Span], object] = end) -> None:
        """What nobody can end any more ends now."""
        if self._owner is None:
            try:
                _end(self)
            except Exception:
                pass


class ActiveSpan:
    """A span as the current one, for a block."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> Span:
        return self._span.__enter__()

    def __exit__(self, *_: object) -> None:
        self._span._leave()


def begun(collector: Any, name: str, kind: int, parent: Any, attributes: Attributes | None, more: dict[str, Value]) -> Span:
    span = Span(_abi.SpanData())
    library.telemetry_span_begin(collector, span._data, named(name), _errors.member(kind), parent)
    return _described(span, attributes, more)


def begun_remote(collector: Any, name: str, kind: int, headers: Headers, attributes: Attributes | None, more: dict[str, Value]) -> Span:
    span = Span(_abi.SpanData())
    traceparent, tracestate = _fields(headers)
    library.telemetry_span_begin_remote(collector, span._data, named(name), _errors.member(kind), text(traceparent), text(tracestate))
    return _described(span, attributes, more)


def _described(span: Span, attributes: Attributes | None, more: dict[str, Value]) -> Span:
    if attributes or more:
        library.telemetry_span_set_attributes(span._data, *listed(attributes, more))
    return span


def _fields(headers: Any) -> tuple[str | None, str | None]:
    """`traceparent` and `tracestate` of header fields, whose names are in any case. More than one `traceparent` is not valid."""
    found: dict[str, list[str]] = {"traceparent": [], "tracestate": []}
    try:
        for name, value in headers.items() if hasattr(headers, "items") else headers:
            name, value = (each.decode("latin-1") if isinstance(each, bytes) else each for each in (name, value))
            if name.lower() in found:
                found[name.lower()].append(value)
        return ",".join(found["traceparent"]) or None, ",".join(found["tracestate"]) or None
    except Exception:
        return None, None


def within(function: Callable[..., int], *arguments: Any) -> int:
    """A call that the library connects with the span that is active in the thread: an event, a value of a histogram."""
    span = _current.get()
    if span is None:
        return function(*arguments)
    data = span._data
    library.telemetry_span_activate(data)
    try:
        return function(*arguments)
    finally:
        library.telemetry_span_deactivate(data)
