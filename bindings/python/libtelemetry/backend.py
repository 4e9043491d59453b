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


#: What the library may still call, by the context that it hands back. A collector's entry goes with telemetry_backend::close.
_used: Final[dict[int, Backend]] = {}
_numbers: Final = itertools.count(1)


def _send(context: int | None, json: int, length: int, event_count: int, timeout_ms: int) -> int:
    try:
        return int(Verdict(_used[context or 0].send(ctypes.string_at(json, length), event_count, timeout_ms)))
    except BaseException:
        return Verdict.RETRY


def _close(context: int | None) -> None:
    try:
        _used[context or 0].close()
    except BaseException:
        pass


_SEND: Final = _abi.SEND(_send)
_CLOSE: Final = _abi.CLOSE(_close)


def functions(backend: Backend, name: bytes | None) -> tuple[int, Any]:
    """A telemetry_backend, and the number by which `forget` knows it."""
    number = next(_numbers)
    _used[number] = backend
    return number, _abi.BackendData(ctypes.sizeof(_abi.BackendData), name, number, _SEND, _CLOSE)
