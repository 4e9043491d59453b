# SPDX-License-Identifier: Apache-2.0
"""The structures and functions of telemetry.h, as ctypes has them. A test compares them with the header."""
from __future__ import annotations

from ctypes import CFUNCTYPE, POINTER, Structure, Union, c_bool, c_char_p, c_double, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Final

STRING: Final = 0
INT: Final = 1
DOUBLE: Final = 2
BOOL: Final = 3

#: TELEMETRY_SPAN_ROOT
SPAN_ROOT: Final = c_void_p(-1)


class AttributeValue(Union):
    _fields_ = [("string", c_char_p), ("integer", c_int64), ("number", c_double), ("boolean", c_bool)]


class Attribute(Structure):
    _anonymous_ = ("value",)
    _fields_ = [("key", c_char_p), ("type", c_int), ("value", AttributeValue)]


class SpanData(Structure):
    _fields_ = [("opaque", c_uint64 * 80)]


class MetricDeclaration(Structure):
    _fields_ = [("size", c_size_t), ("name", c_char_p), ("type", c_int), ("unit", c_char_p), ("description", c_char_p),
                ("bounds", POINTER(c_double)), ("bound_count", c_size_t), ("rule", c_int), ("series_limit", c_uint32)]


class NoticeData(Structure):
    _fields_ = [("size", c_size_t), ("version", c_char_p), ("collector", c_char_p), ("data", c_char_p), ("purpose", c_char_p),
                ("recipient", c_char_p), ("policy_url", c_char_p), ("contact", c_char_p), ("retention", c_char_p)]


class StatisticsData(Structure):
    _fields_ = [("size", c_size_t), *((name, c_uint64) for name in (
        "recorded", "delivered", "pending", "dropped", "dropped_spool_full", "dropped_no_space", "dropped_expired", "dropped_corrupt",
        "dropped_rejected", "dropped_withdrawn", "dropped_unconfirmed", "adjusted", "refused", "spool_bytes", "next_attempt_ns")),
        ("consecutive_failures", c_uint32), ("storage", c_int32), ("storage_errno", c_int32), ("reserved", c_uint32),
        ("refused_undeclared", c_uint64), ("attributes_refused", c_uint64), ("redacted", c_uint64)]


SEND = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t, c_size_t, c_uint32)
CLOSE = CFUNCTYPE(None, c_void_p)
SEND_EVENTS = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t, c_uint32)


class BackendData(Structure):
    _fields_ = [("size", c_size_t), ("name", c_char_p), ("context", c_void_p), ("send", SEND), ("close", CLOSE), ("send_events", SEND_EVENTS)]


REQUEST = CFUNCTYPE(c_bool, c_void_p, c_char_p)


class DeletionData(Structure):
    _fields_ = [("size", c_size_t), ("machine_id", c_char_p), ("context", c_void_p), ("request", REQUEST), ("report", c_void_p),
                ("report_size", c_size_t)]


#: What each argument of a prototype below is.
_KINDS: dict[str, Any] = {
    "options": c_void_p, "collector": c_void_p, "command": c_void_p, "metric": c_void_p, "series": c_void_p, "span": c_void_p,
    "text": c_char_p, "list": c_void_p, "count": c_size_t, "buffer": c_void_p, "enum": c_int, "bool": c_bool, "double": c_double,
    "int32": c_int32, "int64": c_int64, "uint32": c_uint32, "uint64": c_uint64, "struct": c_void_p,
    "status": c_int, "size": c_size_t, "nothing": None}

#: Functions that return at once. They are called without letting go of the interpreter's lock: taking it again could last
#: longer than the call. So no other thread closes the collector between the look at its handle and the call.
SHORT: Final = {
    "telemetry_options_new": "options: text text",
    "telemetry_options_free": "nothing: options",
    "telemetry_options_error": "size: options buffer count",
    "telemetry_options_set_consent": "status: options enum",
    "telemetry_options_set_author_gate": "status: options bool",
    "telemetry_options_set_no_telemetry": "status: options bool",
    "telemetry_options_set_extended_collection": "status: options bool",
    "telemetry_options_set_sampling": "status: options text double",
    "telemetry_options_set_metadata": "status: options list count",
    "telemetry_options_set_identity": "status: options enum uint32",
    "telemetry_options_set_ephemeral": "status: options enum",
    "telemetry_options_set_storage": "status: options enum",
    "telemetry_options_set_config": "status: options text text",
    "telemetry_options_set_project_config": "status: options text text",
    "telemetry_options_set_local_only": "status: options bool",
    "telemetry_options_set_force": "status: options bool",
    "telemetry_options_set_notice": "status: options struct",
    "telemetry_options_add_backend": "status: options text list count",
    "telemetry_options_set_backend_custom": "status: options struct",
    "telemetry_options_set_operator_metrics": "status: options bool",
    "telemetry_options_add_operator_backend": "status: options text list count",
    "telemetry_options_set_backend_info": "status: options text",
    "telemetry_options_set_runtime": "status: options text text",
    "telemetry_options_set_delivery": "status: options enum",
    "telemetry_options_set_helper": "status: options text",
    "telemetry_options_set_guarantee": "status: options enum",
    "telemetry_options_set_heartbeat": "status: options uint32 uint32",
    "telemetry_options_set_flush_interval_ms": "status: options uint32",
    "telemetry_options_set_http_timeout_ms": "status: options uint32",
    "telemetry_options_set_segment_bytes": "status: options uint32",
    "telemetry_options_set_spool_limits": "status: options uint64 uint32 uint32",
    "telemetry_options_add_metric": "status: options struct",
    "telemetry_options_set_process_metrics": "status: options bool",
    "telemetry_options_set_metrics_listener": "status: options text",
    "telemetry_options_set_command_spans": "status: options bool",
    "telemetry_enabled": "bool: collector",
    "telemetry_track": "status: collector text text list count",
    "telemetry_track_command": "status: collector text int64 int32 list count",
    "telemetry_track_command_extended": "status: collector text list count text int64 int32 list count",
    "telemetry_track_error": "status: collector text text text list count",
    "telemetry_command_begin": "command: collector",
    "telemetry_command_set": "status: command text",
    "telemetry_command_finish": "status: command int32 list count",
    "telemetry_command_free": "nothing: command",
    "telemetry_command_set_error_category": "status: command text",
    "telemetry_command_span": "span: command",
    "telemetry_error_category_from_exit_code": "text: int32",
    "telemetry_error_category_from_errno": "text: int32",
    "telemetry_error_category_from_http_status": "text: int32",
    "telemetry_error_category_from_message": "text: text",
    "telemetry_count": "status: collector text int64 list count",
    "telemetry_gauge": "status: collector text double list count",
    "telemetry_observe": "status: collector text double list count",
    "telemetry_metric_find": "metric: collector text",
    "telemetry_metric_add": "status: metric int64 list count",
    "telemetry_metric_add_double": "status: metric double list count",
    "telemetry_metric_set": "status: metric double list count",
    "telemetry_metric_observe": "status: metric double list count",
    "telemetry_metric_bind": "series: metric list count",
    "telemetry_series_add": "status: series int64",
    "telemetry_series_add_double": "status: series double",
    "telemetry_series_set": "status: series double",
    "telemetry_series_observe": "status: series double",
    "telemetry_metrics_listener": "status: collector buffer count",
    "telemetry_span_begin": "status: collector span text enum span",
    "telemetry_span_begin_remote": "status: collector span text enum text text",
    "telemetry_span_set_attributes": "status: span list count",
    "telemetry_span_add_event": "status: span text list count",
    "telemetry_span_add_link": "status: span text text list count",
    "telemetry_span_set_status": "status: span enum text",
    "telemetry_span_record_error": "status: span text text",
    "telemetry_span_end": "status: span",
    "telemetry_span_activate": "nothing: span",
    "telemetry_span_deactivate": "nothing: span",
    "telemetry_span_traceparent": "size: span buffer count",
    "telemetry_span_tracestate": "size: span buffer count",
    "telemetry_span_environment": "size: span buffer count",
    "telemetry_backend_info": "size: collector buffer count",
    "telemetry_preference_path": "size: options buffer count",
    "telemetry_data_directory": "size: options buffer count",
    "telemetry_version": "text:",
    "telemetry_schema_version": "uint32:",
    "telemetry_status_text": "text: enum",
}

#: Functions that read files, wait for a person or for delivery. Other threads go on meanwhile.
LONG: Final = {
    "telemetry_options_load_manifest": "status: options text",
    "telemetry_open": "collector: options",
    "telemetry_close": "status: collector uint32",
    "telemetry_flush": "status: collector uint32",
    "telemetry_drop": "status: collector",
    "telemetry_disable": "status: collector",
    "telemetry_machine_id": "size: collector buffer count",
    "telemetry_last_error": "size: collector buffer count",
    "telemetry_get_statistics": "status: collector struct",
    "telemetry_get_span_statistics": "status: collector struct",
    "telemetry_metrics_write": "size: collector text buffer count struct",
    "telemetry_prompt": "status: options",
    "telemetry_request_deletion": "status: options struct uint32",
    "telemetry_set_preference": "status: options bool",
    "telemetry_get_preference": "enum: options",
    "telemetry_explain": "size: options enum buffer count",
}

#: What a function answers that is not there: as those of the library do for a NULL handle.
ABSENT: Final[dict[str, Any]] = {"status": 20, "size": 0, "bool": False, "text": b"", "enum": 0, "uint32": 0}


def result_kind(prototype: str) -> str:
    return prototype.partition(":")[0]


def types(prototype: str) -> tuple[Any, list[Any]]:
    """The type of the result and those of the arguments."""
    result, _, arguments = prototype.partition(":")
    return _KINDS[result], [_KINDS[kind] for kind in arguments.split()]
