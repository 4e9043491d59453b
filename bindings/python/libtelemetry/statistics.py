# SPDX-License-Identifier: Apache-2.0
"""What has been counted of a tool's events or spans."""
from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, NamedTuple

from . import _abi
from .enums import Status, Storage, status_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Statistics(NamedTuple):
    """telemetry_statistics, which says what each member counts. `status`: whether the counters could be read."""

    status: Status
    recorded: int
    delivered: int
    pending: int
    dropped: int
    dropped_spool_full: int
    dropped_no_space: int
    dropped_expired: int
    dropped_corrupt: int
    dropped_rejected: int
    dropped_withdrawn: int
    dropped_unconfirmed: int
    adjusted: int
    refused: int
    spool_bytes: int
    next_attempt_ns: int
    consecutive_failures: int
    storage: Storage
    storage_errno: int
    refused_undeclared: int
    attributes_refused: int
    redacted: int


def read(function: Callable[..., int], collector: Any) -> Statistics:
    data = _abi.StatisticsData(size=ctypes.sizeof(_abi.StatisticsData))
    status = status_of(function(collector, ctypes.byref(data)))
    counters = {name: getattr(data, name) for name in Statistics._fields if name not in ("status", "storage")}
    return Statistics(status=status, storage=_storage(data.storage), **counters)


def _storage(value: int) -> Storage:
    try:
        return Storage(value)
    except ValueError:
        return Storage.NONE
