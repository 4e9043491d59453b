# SPDX-License-Identifier: Apache-2.0
"""Events go to an object of the program."""
from __future__ import annotations

import ctypes
import itertools
from typing import Any, Final

from . import _abi
from .enums import Verdict


class Backend:
    """The base of a program's own backend. Its methods are called from one thread at a time, which is not the caller's."""

    #: For `Collector.backend_info`.
    name: str = "custom"

    def send(self, json: bytes, event_count: int, timeout_ms: int) -> Verdict:
        """Takes a batch, a JSON array. An exception counts as Verdict.RETRY. It must not close its own collector."""
        raise NotImplementedError

    def close(self) -> None:
        """Called once for each collector, after the last call of `send`."""


class _Held:
    """A backend that the library may call, with what the library was given. `uses` has an entry for its options and for each collector
    that was opened with them. Lists change in one step, so no lock is needed, which a fork could leave locked."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.uses: list[None] = [None]
        self.data: Any = None


#: By the context that the library hands back.
_held: Final[dict[int, _Held]] = {}
_numbers: Final = itertools.count(1)


def _send(context: int | None, json: int, length: int, event_count: int, timeout_ms: int) -> int:
    try:
        return int(Verdict(_held[context or 0].backend.send(ctypes.string_at(json, length), event_count, timeout_ms)))
    except BaseException:
        return Verdict.RETRY


def _close(context: int | None) -> None:
    """telemetry_backend::close(): a collector ends."""
    try:
        _held[context or 0].backend.close()
    except BaseException:
        pass
    release(context or 0)


_SEND: Final = _abi.SEND(_send)
_CLOSE: Final = _abi.CLOSE(_close)


def hold(backend: Backend, name: bytes | None) -> tuple[int, Any]:
    """A number for options, and the telemetry_backend."""
    number = next(_numbers)
    held = _held[number] = _Held(backend)
    held.data = _abi.BackendData(ctypes.sizeof(_abi.BackendData), name, number, _SEND, _CLOSE)
    return number, ctypes.byref(held.data)


def retain(number: int) -> None:
    """A collector is opened with the options of that number; 0: with options that have no backend of the program."""
    if number in _held:
        _held[number].uses.append(None)


def release(number: int) -> None:
    """The options or a collector of that number have ended."""
    held = _held.get(number)
    if held is not None:
        held.uses.pop()
        if not held.uses:
            _held.pop(number, None)
