# SPDX-License-Identifier: Apache-2.0
"""The category of an error, by what is known of it."""
from __future__ import annotations

from ._errors import category as error_category_from_exception
from ._library import library
from ._values import int32, shown, text

__all__ = ["error_category_from_errno", "error_category_from_exception", "error_category_from_exit_code", "error_category_from_http_status",
           "error_category_from_message", "status_text"]


def error_category_from_exit_code(exit_code: int) -> str:
    """telemetry_error_category_from_exit_code()"""
    return shown(library.telemetry_error_category_from_exit_code(int32(exit_code)))


def error_category_from_errno(errno_value: int) -> str:
    """telemetry_error_category_from_errno()"""
    return shown(library.telemetry_error_category_from_errno(int32(errno_value)))


def error_category_from_http_status(http_status: int) -> str:
    """telemetry_error_category_from_http_status()"""
    return shown(library.telemetry_error_category_from_http_status(int32(http_status)))


def error_category_from_message(message: str) -> str:
    """telemetry_error_category_from_message()"""
    return shown(library.telemetry_error_category_from_message(text(message)))


def status_text(status: int) -> str:
    """A sentence for a status: telemetry_status_text()."""
    return shown(library.telemetry_status_text(int32(status)))
