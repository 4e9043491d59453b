# SPDX-License-Identifier: Apache-2.0
"""libtelemetry for Python: usage events, metrics and spans of a program, with its user's consent.

    from libtelemetry import FEATURE_USED, Collector, Options

    with Collector(Options("mytool", "1.0.0")) as telemetry:
        telemetry.track(FEATURE_USED, "export", format="csv", rows=1200)

The header telemetry.h is the reference: its rules about limits and deadlines apply here too.
"""
from ._library import library
from .backend import Backend
from .categories import (error_category_from_errno, error_category_from_exception, error_category_from_exit_code, error_category_from_http_status,
                         error_category_from_message, status_text)
from .collector import Collector
from .command import Command
from .enums import (COMMAND_ERROR, COMMAND_INVOCATION, DATA_DELETION_REQUEST, FEATURE_USED, UPDATE_APPLIED, UPDATE_CHECK, Consent, Delivery,
                    Ephemeral, Format, GaugeRule, Guarantee, Identity, MetricType, Preference, SpanKind, SpanStatus, Status, Storage,
                    StorageKind, Verdict)
from .metric import Metric, Series
from .options import Notice, Options
from .span import Span, current_span
from .statistics import Statistics

__version__ = "0.1.0"

__all__ = [
    "COMMAND_ERROR", "COMMAND_INVOCATION", "DATA_DELETION_REQUEST", "FEATURE_USED", "UPDATE_APPLIED", "UPDATE_CHECK", "Backend", "Collector",
    "Command", "Consent", "Delivery", "Ephemeral", "Format", "GaugeRule", "Guarantee", "Identity", "Metric", "MetricType", "Notice", "Options",
    "Preference", "Series", "Span", "SpanKind", "SpanStatus", "Statistics", "Status", "Storage", "StorageKind", "Verdict", "current_span",
    "error_category_from_errno",
    "error_category_from_exception", "error_category_from_exit_code", "error_category_from_http_status", "error_category_from_message",
    "library", "status_text"]
