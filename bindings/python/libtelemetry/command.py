# SPDX-License-Identifier: Apache-2.0
"""The command that a program was run for."""
from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from . import _abi, _errors
from ._handle import Dependent, release
from ._library import library
from ._values import attributes as listed
from ._values import int32, text
from .enums import Status, status_of
from .span import Span, within

if TYPE_CHECKING:
    from types import TracebackType

    from ._values import Attributes, Value


class Command(Dependent):
    """Times a command from its beginning. As a context manager it records the command at the end of the block: with the exit code 0,
    that of SystemExit, 130 for Ctrl-C, or 1 for another exception. It belongs to one thread at a time."""

    __slots__ = ("_span",)

    def __init__(self, handle: int | None, path: str | None = None) -> None:
        """Not for programs: a collector begins commands."""
        super().__init__(handle)
        self._span = self._found_span()
        if path is not None:
            self.set(path)

    def _found_span(self) -> Span | None:
        pointer = library.telemetry_command_span(self._handle)
        if not pointer:
            return None
        # A copy is the same span, and stays when the command has gone.
        return Span(_abi.SpanData.from_buffer_copy(ctypes.string_at(pointer, ctypes.sizeof(_abi.SpanData))), owner=True)

    def __enter__(self) -> Command:
        if self._span is not None:
            self._span.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._span is not None:
            self._span._leave()
        code = _errors.exit_code(error)
        if code == 1 and error is not None and not isinstance(error, SystemExit):
            self.set_error_category(_errors.category(error))
        self.finish(code)

    def set(self, path: str) -> Status:
        """Which command it is: telemetry_command_set()."""
        return status_of(library.telemetry_command_set(self._handle, text(path)))

    def set_error_category(self, error_category: str) -> Status:
        """telemetry_command_set_error_category()"""
        return status_of(library.telemetry_command_set_error_category(self._handle, text(error_category)))

    def finish(self, exit_code: int, attributes: Attributes | None = None, /, **more: Value) -> int:
        """telemetry_command_finish(): the first call counts. Returns `exit_code`, for `sys.exit(command.finish(code))`."""
        within(library.telemetry_command_finish, self._handle, int32(exit_code), *listed(attributes, more))
        return exit_code

    @property
    def span(self) -> Span | None:
        """Its span, if commands have spans (`command_spans`). The command ends it."""
        return self._span

    def _end(self) -> None:
        library.telemetry_command_free(release(self._handle))

    def __del__(self) -> None:
        try:
            self._end()
        except Exception:
            pass
