# SPDX-License-Identifier: Apache-2.0
"""The constants of telemetry.h. A test compares them with the header."""
from __future__ import annotations

import enum
from typing import Final

COMMAND_INVOCATION: Final = "command.invocation"
COMMAND_ERROR: Final = "command.error"
FEATURE_USED: Final = "feature.used"
UPDATE_CHECK: Final = "update.check"
UPDATE_APPLIED: Final = "update.applied"
DATA_DELETION_REQUEST: Final = "data.deletion_request"


class Status(enum.IntEnum):
    """telemetry_status: 0: done; positive: done, and there is something more to know; negative: not done, and why."""

    OK = 0
    ADJUSTED = 10
    DISABLED = 20
    OVERRULED = 30
    ABSENT = 40
    ERROR_ARGUMENT = -10
    ERROR_UNDECLARED = -11
    ERROR_DROPPED = -20
    ERROR_TIMEOUT = -30
    ERROR_DELIVERY = -31
    ERROR_MANIFEST = -40
    ERROR_SYSTEM = -50
    ERROR_MEMORY = -51

    @classmethod
    def _missing_(cls, value: object) -> Status | None:
        """A status of a later library."""
        if not isinstance(value, int):
            return None
        status = int.__new__(cls, value)
        status._name_ = f"STATUS_{value}"
        status._value_ = value
        return status


#: Looking a member up here takes a fraction of the time that `Status(code)` takes.
STATUSES: Final = {int(status): status for status in Status}


def status_of(code: int) -> Status:
    return STATUSES.get(code) or Status(code)


class Preference(enum.IntEnum):
    """telemetry_preference: what the user has answered."""

    UNSET = 0
    ENABLED = 1
    DISABLED = 2
    UNREADABLE = 3


class LogLevel(enum.IntEnum):
    """telemetry_log_level"""

    ERROR = 0
    WARNING = 1
    INFO = 2
    DEBUG = 3


class Consent(enum.IntEnum):
    """telemetry_consent"""

    OPT_IN = 0
    OPT_OUT = 1


class Format(enum.IntEnum):
    """telemetry_format"""

    TEXT = 0
    JSON = 1


class Delivery(enum.IntEnum):
    """telemetry_delivery"""

    IN_PROCESS = 0
    DETACHED = 1
    AGENT = 2


class Guarantee(enum.IntEnum):
    """telemetry_guarantee"""

    AT_LEAST_ONCE = 0
    AT_MOST_ONCE = 1


class Identity(enum.IntEnum):
    """telemetry_identity"""

    SALTED = 0
    NONE = 1
    RANDOM = 2
    HASHED = 3


class Ephemeral(enum.IntEnum):
    """telemetry_ephemeral"""

    AUTO = 0
    NEVER = 1
    ALWAYS = 2


class StorageKind(enum.IntEnum):
    """telemetry_storage_kind: where what is recorded may wait."""

    ON_DISK = 0
    IN_TMPDIR = 1
    IN_MEMORY = 2


class Storage(enum.IntEnum):
    """telemetry_storage"""

    NONE = 0
    SPOOL = 1
    HEAP = 2


class Verdict(enum.IntEnum):
    """telemetry_verdict: what a backend did with a batch."""

    ACCEPTED = 0
    RETRY = 1
    REJECTED = 2


class MetricType(enum.IntEnum):
    """telemetry_metric_type"""

    COUNTER = 0
    UP_DOWN_COUNTER = 1
    GAUGE = 2
    HISTOGRAM = 3
    EXPONENTIAL_HISTOGRAM = 4


class GaugeRule(enum.IntEnum):
    """telemetry_gauge_rule"""

    LAST = 0
    SUM = 1
    MIN = 2
    MAX = 3


class SpanKind(enum.IntEnum):
    """telemetry_span_kind"""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class SpanStatus(enum.IntEnum):
    """telemetry_span_status"""

    UNSET = 0
    OK = 1
    ERROR = 2
