# SPDX-License-Identifier: Apache-2.0
"""Metrics: numbers that add up over all runs of a tool."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ._handle import CollectorHandle, Dependent
from ._library import library
from ._values import attributes as listed
from ._values import int64, number
from .enums import Status, status_of
from .span import within

if TYPE_CHECKING:
    from ._values import Attributes, Value


class Series(Dependent):
    """One series of a metric, for places where time counts."""

    __slots__ = ()

    def add(self, value: int | float = 1) -> Status:
        """telemetry_series_add(), or telemetry_series_add_double() for a float."""
        if isinstance(value, int):
            return status_of(library.telemetry_series_add(self._handle, int64(value)))
        return status_of(library.telemetry_series_add_double(self._handle, number(value)))

    def set(self, value: float) -> Status:
        """telemetry_series_set()"""
        return status_of(library.telemetry_series_set(self._handle, number(value)))

    def observe(self, value: float) -> Status:
        """telemetry_series_observe()"""
        return status_of(within(library.telemetry_series_observe, self._handle, number(value)))


class Metric(Dependent):
    """A metric that is declared, in code or in the manifest."""

    __slots__ = ("_collector",)

    def __init__(self, handle: int | None, collector: CollectorHandle) -> None:
        """Not for programs: a collector finds metrics."""
        super().__init__(handle)
        self._collector = collector

    def add(self, value: int | float = 1, attributes: Attributes | None = None, /, **more: Value) -> Status:
        """telemetry_metric_add(), or telemetry_metric_add_double() for a float."""
        if isinstance(value, int):
            return status_of(library.telemetry_metric_add(self._handle, int64(value), *listed(attributes, more)))
        return status_of(library.telemetry_metric_add_double(self._handle, number(value), *listed(attributes, more)))

    def set(self, value: float, attributes: Attributes | None = None, /, **more: Value) -> Status:
        """telemetry_metric_set()"""
        return status_of(library.telemetry_metric_set(self._handle, number(value), *listed(attributes, more)))

    def observe(self, value: float, attributes: Attributes | None = None, /, **more: Value) -> Status:
        """telemetry_metric_observe()"""
        return status_of(within(library.telemetry_metric_observe, self._handle, number(value), *listed(attributes, more)))

    def bind(self, attributes: Attributes | None = None, /, **more: Value) -> Series:
        """telemetry_metric_bind()"""
        return self._collector.dependent(lambda: Series(library.telemetry_metric_bind(self._handle, *listed(attributes, more))))
