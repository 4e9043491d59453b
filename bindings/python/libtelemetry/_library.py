# SPDX-License-Identifier: Apache-2.0
"""libtelemetry.so.0: found by the system's loader, or not there, which a program does not notice."""
from __future__ import annotations

import ctypes
import os
import threading
from typing import TYPE_CHECKING, Any, Final

from . import _abi

if TYPE_CHECKING:
    from collections.abc import Callable

NAME: Final = "libtelemetry.so.0"
#: The oldest library that has everything that is called here.
NEEDED: Final = (0, 1, 0)


class Library:
    """The library. It is loaded when it is first used. Without it nothing is recorded, and `reason` says why."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._functions: dict[str, Callable[..., Any]] | None = None
        self._reason = ""
        self._version = ""

    @property
    def available(self) -> bool:
        """Whether the library is there."""
        self._load()
        return not self._reason

    @property
    def reason(self) -> str:
        """Why it is not; empty: it is."""
        self._load()
        return self._reason

    @property
    def version(self) -> str:
        """The library's version, such as `0.1.0`; empty without it."""
        self._load()
        return self._version

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A function of telemetry.h. It is an attribute from then on."""
        if not name.startswith("telemetry_"):
            raise AttributeError(name)
        functions = self._load()
        vars(self).update(functions)
        return functions[name]

    def _load(self) -> dict[str, Callable[..., Any]]:
        functions = self._functions
        if functions is None:
            with self._lock:
                if self._functions is None:
                    self._functions = self._found()
                functions = self._functions
        return functions

    def _found(self) -> dict[str, Callable[..., Any]]:
        path = os.environ.get("TELEMETRY_LIBRARY") or NAME
        try:
            long = ctypes.CDLL(path)
            short = ctypes.PyDLL(path, handle=long._handle)
            functions = {**_bound(short, _abi.SHORT), **_bound(long, _abi.LONG)}
            version = functions["telemetry_version"]().decode()
            if _numbers(version) < NEEDED:
                raise OSError(f"{path} has version {version}, and {'.'.join(map(str, NEEDED))} is needed")
        except (OSError, AttributeError, ValueError) as error:
            self._reason = str(error) or type(error).__name__
            return {name: _absent(_abi.result_kind(prototype)) for name, prototype in {**_abi.SHORT, **_abi.LONG}.items()}
        self._version = version
        return functions


def _bound(library: ctypes.CDLL, prototypes: dict[str, str]) -> dict[str, Callable[..., Any]]:
    functions: dict[str, Callable[..., Any]] = {}
    for name, prototype in prototypes.items():
        function = getattr(library, name)
        function.restype, function.argtypes = _abi.types(prototype)
        functions[name] = function
    return functions


def _absent(kind: str) -> Callable[..., Any]:
    answer = _abi.ABSENT.get(kind)
    return lambda *_: answer


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-")[0].split("."))


#: The only one.
library: Final = Library()


def _after_fork() -> None:
    """Another thread of the parent may have held it."""
    library._lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
