# SPDX-License-Identifier: Apache-2.0
"""Handles of the library, and when they may be used: a program may close a collector while other threads use it."""
from __future__ import annotations

import ctypes
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Final

from ._library import library

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TypeVar

    Made = TypeVar("Made", bound="Dependent")


class Dependent:
    """What ends with its collector: a metric, a series, a command. Afterwards its handle is NULL, and calls do nothing."""

    __slots__ = ("_handle", "__weakref__")

    def __init__(self, handle: int | None) -> None:
        # ctypes reads it at the very call, and a short call keeps the interpreter's lock: nobody can close in between.
        self._handle = ctypes.c_void_p(handle)

    def _end(self) -> None:
        self._handle.value = None


class CollectorHandle:
    """A telemetry_collector. Short calls take `pointer`. Long ones enter the handle, and the last one that leaves it closes it."""

    def __init__(self, pointer: int | None) -> None:
        self.pointer = ctypes.c_void_p(pointer)
        self._dependents: weakref.WeakSet[Dependent] = weakref.WeakSet()
        self._long = pointer
        self._restart()
        _open.add(self)

    def _restart(self) -> None:
        """No call is under way. So it is in the child of a fork, too: the threads that made them are not there."""
        # Reentrant: a signal's handler may close the collector in the middle of anything.
        self._changed = threading.Condition(threading.RLock())
        self._users = 0
        self._left = False

    def dependent(self, make: Callable[[], Made]) -> Made:
        """What `make` makes of the handle ends with the collector."""
        with self._changed:
            made = make()
            self._dependents.add(made)
        if not self.pointer:
            # Closed by a signal's handler in the middle of this. It is too late to give anything back.
            made._handle.value = None
        return made

    def __enter__(self) -> int | None:
        """For a long call: the collector, or NULL."""
        with self._changed:
            self._users += 1
            return self._long if self.pointer else None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._changed:
            self._users = max(0, self._users - 1)
            if self._users:
                return
            self._changed.notify_all()
            close = self._left
            self._left = False
        if close:
            library.telemetry_close(self._long, 0)

    def close(self, timeout_ms: int) -> int:
        """telemetry_close(), once. It waits for long calls of other threads; if they take too long, the last of them closes."""
        start = time.monotonic()
        with self._changed:
            if not self.pointer:
                return int(library.telemetry_close(None, 0))
            self.pointer.value = None
            dependents = list(self._dependents)
        for each in dependents:
            each._end()
        with self._changed:
            if not self._changed.wait_for(lambda: self._users == 0, timeout_ms / 1000):
                self._left = True
                return -30
        spent = int((time.monotonic() - start) * 1000)
        return int(library.telemetry_close(self._long, max(0, timeout_ms - spent)))


#: Those that may have to be told of a fork.
_open: Final[weakref.WeakSet[CollectorHandle]] = weakref.WeakSet()


def _after_fork() -> None:
    for handle in list(_open):
        handle._restart()


os.register_at_fork(after_in_child=_after_fork)


def release(cell: Any) -> int | None:
    """Takes a handle out of its cell. Whoever gets it gives it back."""
    pointer: int | None = cell.value
    cell.value = None
    return pointer
