# SPDX-License-Identifier: Apache-2.0
"""The collector of one tool in this process."""
from __future__ import annotations

import atexit
import ctypes
import time
import weakref
from typing import TYPE_CHECKING, Final

from . import _abi, backend, statistics
from ._handle import CollectorHandle
from ._library import library
from ._values import attributes as listed
from ._values import int32, int64, number, text, uint32, written
from ._values import name as named
from .command import Command
from .enums import SpanKind, Status, status_of
from .metric import Metric
from .span import Span, _current, begun, begun_remote, within

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from ._values import Attributes, Value
    from .options import Options
    from .span import Headers
    from .statistics import Statistics


class Collector:
    """The collector of one tool: it records, if the user has agreed, and delivers. Any thread may use it, and a forked child too. No
    call raises an exception because of telemetry, or prints. It is closed at the end of its `with` block, else when the interpreter ends."""

    def __init__(self, options: Options, *, close_timeout_ms: int = 500) -> None:
        """telemetry_open(). `close_timeout_ms`: the longest time that the end of the block, or of the interpreter, waits for delivery."""
        self._close_timeout_ms = uint32(close_timeout_ms)
        backend.retain(options._backend)
        opened = library.telemetry_open(options._handle)
        if not opened:
            backend.release(options._backend)
        self._handle = CollectorHandle(opened)
        # Read at each call by ctypes itself: NULL as soon as the collector is closed.
        self._pointer = self._handle.pointer
        _open.add(self)

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close(self._close_timeout_ms)

    def __del__(self) -> None:
        """Waits for nothing: what is recorded is in the spool."""
        try:
            self.close(0)
        except Exception:
            pass

    @property
    def available(self) -> bool:
        """Whether the library is there. Without it, a collector does nothing."""
        return library.available

    @property
    def reason(self) -> str:
        """Why the library is not there; empty: it is."""
        return library.reason

    @property
    def enabled(self) -> bool:
        """Whether events are being recorded now: telemetry_enabled()."""
        return bool(library.telemetry_enabled(self._pointer))

    def track(self, type: str, name: str, attributes: Attributes | None = None, /, **more: Value) -> Status:
        """Records an event: telemetry_track()."""
        array, count = listed(attributes, more)
        if _current.get() is None:
            return status_of(library.telemetry_track(self._pointer, named(type), named(name), array, count))
        return status_of(within(library.telemetry_track, self._pointer, named(type), named(name), array, count))

    def track_error(self, name: str, error_category: str | None = None, error: str | None = None, attributes: Attributes | None = None, /,
                    **more: Value) -> Status:
        """Records a failure: telemetry_track_error(). `error` is not read unless extended collection is on."""
        return status_of(within(library.telemetry_track_error, self._pointer, named(name), named(error_category), text(error),
                                *listed(attributes, more)))

    def track_command(self, path: str, duration_ms: int, exit_code: int, attributes: Attributes | None = None, /, *,
                      arguments: Sequence[str] | None = None, error: str | None = None, **more: Value) -> Status:
        """Records a command that has run: telemetry_track_command_extended(). `arguments` and `error` are not read unless extended
        collection is on."""
        texts = [text(each) for each in arguments or ()]
        array = (ctypes.c_char_p * len(texts))(*texts) if texts else None
        return status_of(within(library.telemetry_track_command_extended, self._pointer, named(path), array, len(texts), text(error),
                                int64(duration_ms), int32(exit_code), *listed(attributes, more)))

    def command(self, path: str | None = None) -> Command:
        """Begins a command now: telemetry_command_begin()."""
        return self._handle.dependent(lambda: Command(within(library.telemetry_command_begin, self._pointer), path))

    def span(self, name: str, /, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes | None = None, *, parent: Span | None = None,
             **more: Value) -> Span:
        """Begins a span below `parent`, else below the current span, else below that of the environment: telemetry_span_begin()."""
        above = parent if isinstance(parent, Span) else _current.get()
        return begun(self._pointer, name, kind, None if above is None else above._data, attributes, more)

    def root_span(self, name: str, /, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes | None = None, **more: Value) -> Span:
        """Begins a new trace."""
        return begun(self._pointer, name, kind, _abi.SPAN_ROOT, attributes, more)

    def remote_span(self, name: str, headers: Headers, /, kind: SpanKind = SpanKind.SERVER, attributes: Attributes | None = None,
                    **more: Value) -> Span:
        """Begins a span below the caller's, as the header fields of its request say: telemetry_span_begin_remote()."""
        return begun_remote(self._pointer, name, kind, headers, attributes, more)

    def metric(self, name: str) -> Metric:
        """A metric that was declared with Options.add_metric() or in the manifest: telemetry_metric_find()."""
        return self._handle.dependent(lambda: Metric(library.telemetry_metric_find(self._pointer, text(name)), self._handle))

    def count(self, name: str, by: int = 1, attributes: Attributes | None = None, /, **more: Value) -> Status:
        """Adds to a counter: telemetry_count()."""
        return status_of(library.telemetry_count(self._pointer, named(name), int64(by), *listed(attributes, more)))

    def gauge(self, name: str, value: float, attributes: Attributes | None = None, /, **more: Value) -> Status:
        """Sets a gauge: telemetry_gauge()."""
        return status_of(library.telemetry_gauge(self._pointer, named(name), number(value), *listed(attributes, more)))

    def observe(self, name: str, value: float, attributes: Attributes | None = None, /, **more: Value) -> Status:
        """Counts a value in a histogram: telemetry_observe()."""
        return status_of(within(library.telemetry_observe, self._pointer, named(name), number(value), *listed(attributes, more)))

    def metrics(self, accept: str | None = None) -> tuple[str, str]:
        """The tool's metrics as text, and its Content-Type, for the program's own HTTP server: telemetry_metrics_write()."""
        content_type = ctypes.c_char_p()
        with self._handle as collector:
            written_text = written(lambda buffer, size: library.telemetry_metrics_write(collector, text(accept), buffer, size,
                                                                                       ctypes.byref(content_type)))
        return written_text, (content_type.value or b"").decode()

    def metrics_listener(self) -> tuple[Status, str]:
        """The address at which metrics can be scraped, or why they cannot be: telemetry_metrics_listener()."""
        buffer = ctypes.create_string_buffer(256)
        status = status_of(library.telemetry_metrics_listener(self._pointer, buffer, 256))
        return status, buffer.value.decode(errors="replace")

    def flush(self, timeout_ms: int) -> Status:
        """Delivers what waits, and waits for the result: telemetry_flush()."""
        with self._handle as collector:
            return status_of(library.telemetry_flush(collector, uint32(timeout_ms)))

    def drop(self) -> Status:
        """Erases everything that waits: telemetry_drop()."""
        with self._handle as collector:
            return status_of(library.telemetry_drop(collector))

    def close(self, timeout_ms: int | None = None) -> Status:
        """Ends the collector: telemetry_close(). By default it waits for `close_timeout_ms` at most. Nothing is recorded afterwards."""
        return status_of(self._handle.close(self._close_timeout_ms if timeout_ms is None else uint32(timeout_ms)))

    def statistics(self) -> Statistics:
        """The counters of events: telemetry_get_statistics()."""
        with self._handle as collector:
            return statistics.read(library.telemetry_get_statistics, collector)

    def span_statistics(self) -> Statistics:
        """The counters of spans: telemetry_get_span_statistics()."""
        with self._handle as collector:
            return statistics.read(library.telemetry_get_span_statistics, collector)

    def disable(self) -> Status:
        """Ends its work for this process, without storing an answer: telemetry_disable()."""
        with self._handle as collector:
            return status_of(library.telemetry_disable(collector))

    @property
    def machine_id(self) -> str:
        """The identifier that the events carry: telemetry_machine_id()."""
        with self._handle as collector:
            return written(lambda buffer, size: library.telemetry_machine_id(collector, buffer, size))

    @property
    def last_error(self) -> str:
        """Why the last delivery failed: telemetry_last_error(); empty: it went well."""
        with self._handle as collector:
            return written(lambda buffer, size: library.telemetry_last_error(collector, buffer, size))

    @property
    def backend_info(self) -> str:
        """The backend, in one line: telemetry_backend_info()."""
        return written(lambda buffer, size: library.telemetry_backend_info(self._pointer, buffer, size))


#: What is closed when the interpreter ends.
_open: Final[weakref.WeakSet[Collector]] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """All together wait no longer than the most patient of them would."""
    collectors = [each for each in list(_open) if each._pointer]
    end = time.monotonic() + max((each._close_timeout_ms for each in collectors), default=0) / 1000
    for each in collectors:
        left = max(0, int((end - time.monotonic()) * 1000))
        each.close(min(each._close_timeout_ms, left))
