# SPDX-License-Identifier: Apache-2.0
"""The settings of a collector, and what the user decides."""
from __future__ import annotations

import ctypes
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _abi
from . import backend as backends
from ._library import library
from ._values import attributes as listed
from ._values import int32, number, path, text, uint32, written
from .enums import (Consent, Delivery, Ephemeral, Format, GaugeRule, Guarantee, Identity, MetricType, Preference, Status, StorageKind,
                    status_of)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._values import Attributes, Path, Value
    from .backend import Backend


class Notice(NamedTuple):
    """telemetry_notice: what the user is shown before anything is collected."""

    collector: str
    data: str
    purpose: str
    version: str | None = None
    recipient: str | None = None
    policy_url: str | None = None
    contact: str | None = None
    retention: str | None = None


class Options:
    """The settings of a collector. They are set in the order of the parameters, so what code says is added to the manifest. A setting
    that is None keeps its default. `error` is the first mistake, which leaves telemetry off. Options belong to one thread at a time."""

    def __init__(
        self, tool_name: str, tool_version: str | None = None, *,
        manifest: Path | bool = False,
        consent: Consent | None = None, author_gate: bool | None = None, no_telemetry: bool | None = None, force: bool | None = None,
        local_only: bool | None = None, extended_collection: bool | None = None,
        config: tuple[str, str | None] | None = None, project_config: tuple[str, str] | None = None, notice: Notice | None = None,
        metadata: Attributes | None = None, sampling: Mapping[str, float] | None = None,
        identity: Identity | None = None, rotation_days: int = 0, ephemeral: Ephemeral | None = None, storage: StorageKind | None = None,
        backend: Backend | None = None, delivery: Delivery | None = None, guarantee: Guarantee | None = None, helper: Path | None = None,
        heartbeat_s: int | None = None, heartbeat_failures: int = 0, flush_interval_ms: int | None = None, http_timeout_ms: int | None = None,
        segment_bytes: int | None = None, spool_limit_bytes: int = 0, spool_limit_segments: int = 0, spool_limit_age_s: int = 0,
        command_spans: bool | None = None, process_metrics: bool | None = None, metrics_listener: str | None = None,
        operator_metrics: bool | None = None, backend_info: str | None = None, runtime: tuple[str, str] | None = None,
    ) -> None:
        """`manifest`: a file; True: where the tool's manifest is installed. `config`, `project_config`: a file and the dotted path of a
        key; a `config` without a key (None) is a file that holds the answer alone. `heartbeat_s`: the period; 0: its default. `runtime`: a name and
        a version. All others are as the functions of telemetry.h that have their names.

        TypeError: a value has another type than its parameter. No other call of this module raises it for a value."""
        self._handle = ctypes.c_void_p(library.telemetry_options_new(_checked("tool_name", tool_name, str), _checked("tool_version", tool_version, str)))
        self._status = Status.OK
        self._backend = 0
        if manifest is not False:
            self.load_manifest(None if manifest is True else manifest)
        self._set("consent", consent, Consent)
        self._set("author_gate", author_gate, bool)
        self._set("no_telemetry", no_telemetry, bool)
        self._set("force", force, bool)
        self._set("local_only", local_only, bool)
        self._set("extended_collection", extended_collection, bool)
        self._set_key("config", config)
        self._set_key("project_config", project_config)
        if notice is not None:
            self._set_notice(notice)
        if metadata is not None:
            self._keep(library.telemetry_options_set_metadata(self._handle, *listed(metadata)))
        for event_type, rate in (sampling or {}).items():
            self._keep(library.telemetry_options_set_sampling(self._handle, text(event_type), number(rate)))
        self._set("identity", identity, Identity, _checked("rotation_days", rotation_days, int))
        self._set("ephemeral", ephemeral, Ephemeral)
        self._set("storage", storage, StorageKind)
        if backend is not None:
            self._set_backend(backend)
        self._set("delivery", delivery, Delivery)
        self._set("guarantee", guarantee, Guarantee)
        self._set("helper", helper, os.PathLike)
        self._set("heartbeat", heartbeat_s, int, _checked("heartbeat_failures", heartbeat_failures, int))
        self._set("flush_interval_ms", flush_interval_ms, int)
        self._set("http_timeout_ms", http_timeout_ms, int)
        self._set("segment_bytes", segment_bytes, int)
        if spool_limit_bytes or spool_limit_segments or spool_limit_age_s:
            _checked("spool_limit_bytes", spool_limit_bytes, int)
            self._keep(library.telemetry_options_set_spool_limits(
                self._handle, spool_limit_bytes if 0 <= spool_limit_bytes < 2**64 else 2**64 - 1,
                _checked("spool_limit_segments", spool_limit_segments, int), _checked("spool_limit_age_s", spool_limit_age_s, int)))
        self._set("command_spans", command_spans, bool)
        self._set("process_metrics", process_metrics, bool)
        self._set("metrics_listener", metrics_listener, str)
        self._set("operator_metrics", operator_metrics, bool)
        self._set("backend_info", backend_info, str)
        if runtime is not None:
            self._keep(library.telemetry_options_set_runtime(self._handle, *(_checked("runtime", each, str) for each in runtime)))

    def _set(self, name: str, value: object, kind: type[Any], *more: Any) -> None:
        if value is not None:
            self._keep(getattr(library, f"telemetry_options_set_{name}")(self._handle, _checked(name, value, kind), *more))

    def _set_key(self, name: str, place: tuple[str, str | None] | None) -> None:
        if place is not None:
            file, key = place
            self._keep(getattr(library, f"telemetry_options_set_{name}")(self._handle, _checked(name, file, os.PathLike), _checked(name, key, str)))

    def _keep(self, code: int) -> Status:
        status = status_of(code)
        if status < 0 and self._status >= 0:
            self._status = status
        return status

    def _set_notice(self, notice: Notice) -> None:
        texts = {name: text(getattr(notice, name, None)) for name in Notice._fields}
        data = _abi.NoticeData(size=ctypes.sizeof(_abi.NoticeData), **texts)
        self._keep(library.telemetry_options_set_notice(self._handle, ctypes.byref(data)))

    def _set_backend(self, backend: Backend) -> None:
        self._backend, data = backends.hold(backend, text(getattr(backend, "name", None)))
        self._keep(library.telemetry_options_set_backend_custom(self._handle, data))

    def load_manifest(self, file: Path | None = None) -> Status:
        """telemetry_options_load_manifest(). None: the manifest is looked for where it is installed."""
        return self._keep(library.telemetry_options_load_manifest(self._handle, None if file is None else path(file)))

    def add_backend(self, kind: str, settings: Attributes | None = None, /, **more: Value) -> Status:
        """telemetry_options_add_backend(): `add_backend("http", endpoint="https://…")`."""
        return self._keep(library.telemetry_options_add_backend(self._handle, text(kind), *listed(settings, more)))

    def add_operator_backend(self, kind: str, settings: Attributes | None = None, /, **more: Value) -> Status:
        """telemetry_options_add_operator_backend()"""
        return self._keep(library.telemetry_options_add_operator_backend(self._handle, text(kind), *listed(settings, more)))

    def add_metric(self, name: str, type: MetricType, unit: str | None = None, description: str | None = None, *,
                   bounds: Sequence[float] | Iterable[float] = (), rule: GaugeRule = GaugeRule.LAST, series_limit: int = 0) -> Status:
        """telemetry_options_add_metric(). `bounds`: of a histogram; by default, for durations in seconds."""
        numbers = [number(bound) for bound in bounds]
        declaration = _abi.MetricDeclaration(
            size=ctypes.sizeof(_abi.MetricDeclaration), name=text(name), type=int32(type), unit=text(unit), description=text(description),
            bounds=(ctypes.c_double * len(numbers))(*numbers) if numbers else None, bound_count=len(numbers), rule=int32(rule),
            series_limit=uint32(series_limit))
        return self._keep(library.telemetry_options_add_metric(self._handle, ctypes.byref(declaration)))

    def prompt(self) -> Status:
        """Asks the user on a first run at a terminal: telemetry_prompt(). Call it before the collector is opened. Ctrl-C at the question
        ends the program as it ends one in C, if it has not got a handler for SIGINT."""
        with _default_interrupt():
            return status_of(library.telemetry_prompt(self._handle))

    def set_preference(self, enabled: bool) -> Status:
        """Stores the user's answer: telemetry_set_preference(). Call it only when the user has decided."""
        return status_of(library.telemetry_set_preference(self._handle, bool(enabled)))

    @property
    def preference(self) -> Preference:
        """The user's answer for this tool: telemetry_get_preference()."""
        return Preference(library.telemetry_get_preference(self._handle))

    @property
    def preference_path(self) -> str:
        """The file that has it: telemetry_preference_path()."""
        return written(lambda buffer, size: library.telemetry_preference_path(self._handle, buffer, size))

    @property
    def data_directory(self) -> str:
        """Where the tool's data is: telemetry_data_directory()."""
        return written(lambda buffer, size: library.telemetry_data_directory(self._handle, buffer, size))

    def request_deletion(self, timeout_ms: int, machine_id: str | None = None) -> tuple[Status, str]:
        """Asks for the erasure of what was sent under every known identifier, or under one, and says what was done or why it was not:
        telemetry_request_deletion()."""
        report = ctypes.create_string_buffer(1024)
        deletion = _abi.DeletionData(size=ctypes.sizeof(_abi.DeletionData), machine_id=text(machine_id),
                                     report=ctypes.cast(report, ctypes.c_void_p), report_size=1024)
        status = status_of(library.telemetry_request_deletion(self._handle, ctypes.byref(deletion), uint32(timeout_ms)))
        return status, report.value.decode(errors="replace")

    def explain(self, format: Format = Format.TEXT) -> str:
        """Who decides whether anything is recorded, and why: telemetry_explain()."""
        return written(lambda buffer, size: library.telemetry_explain(self._handle, int32(format), buffer, size))

    @property
    def error(self) -> str:
        """The first mistake, or why there is no library; empty: there is none."""
        return library.reason or written(lambda buffer, size: library.telemetry_options_error(self._handle, buffer, size))

    @property
    def status(self) -> Status:
        """The status of the first setting that was not accepted."""
        return self._status

    def __del__(self) -> None:
        try:
            handle, self._handle = self._handle, ctypes.c_void_p(None)
            library.telemetry_options_free(handle)
            backends.release(self._backend)
        except Exception:
            pass


def _checked(name: str, value: Any, kind: type[Any]) -> Any:
    """What the library takes for a value. One of another type is a mistake in the program, which a type checker finds, too. A number
    without a place in 32 bits becomes one that is out of every range."""
    if value is None:
        return None
    kinds = (str, os.PathLike) if kind is os.PathLike else (kind,)
    if not isinstance(value, kinds) or kind is int and isinstance(value, bool):
        raise TypeError(f"{name}: expected {kind.__name__}, got {type(value).__name__}")
    if kind is int:
        return value if value in range(2**32) else 2**32 - 1
    return path(value) if kind is os.PathLike else text(value) if kind is str else value


class _default_interrupt:
    """While the library waits for an answer, it takes no notice of a signal that the interpreter handles. So Ctrl-C does again what it
    does without a handler, if the program has set none."""

    def __enter__(self) -> None:
        self._earlier: Any = None
        try:
            is_ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
            if is_ours and os.isatty(0) and os.isatty(2):
                self._earlier = signal.signal(signal.SIGINT, signal.SIG_DFL)
        except (ValueError, OSError):
            pass  # an interpreter that is not the main one

    def __exit__(self, *_: object) -> None:
        if self._earlier is not None:
            signal.signal(signal.SIGINT, self._earlier)
