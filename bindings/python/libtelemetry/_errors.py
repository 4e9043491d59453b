# SPDX-License-Identifier: Apache-2.0
"""What an exception is to telemetry: a category, the name of its class, an exit code. Its text is for extended collection only."""
from __future__ import annotations

from typing import Any, Final

from ._library import library
from ._values import int32, shown

_SIGINT: Final = 2
_ENDS: Final = (GeneratorExit, StopIteration, StopAsyncIteration)
#: The first class counts that an exception has. What is not here is "unknown".
_CATEGORIES: Final[list[tuple[type[BaseException], str]]] = [
    (KeyboardInterrupt, "cancelled"), (TimeoutError, "timeout"), (FileNotFoundError, "not_found"), (FileExistsError, "conflict"),
    (PermissionError, "permission"), (ConnectionError, "network"), (MemoryError, "resource"), (RecursionError, "resource"),
    (UnicodeError, "data"), (EOFError, "data"), (AssertionError, "internal"), (TypeError, "internal"), (AttributeError, "internal"),
    (NameError, "internal"), (LookupError, "internal"), (ArithmeticError, "internal"), (NotImplementedError, "internal"), (SystemError, "internal")]
#: Classes of modules that the program may not have loaded.
_BY_NAME: Final = {"CancelledError": "cancelled", "TimeoutError": "timeout", "TimeoutExpired": "timeout", "JSONDecodeError": "data",
                   "SSLError": "network", "gaierror": "network", "ConnectionError": "network"}


def category(error: BaseException) -> str:
    """One of the library's categories; empty: this is not a failure."""
    try:
        if isinstance(error, _ENDS):
            return ""
        if isinstance(error, SystemExit):
            return shown(library.telemetry_error_category_from_exit_code(exit_code(error)))
        return _of_numbers(error) or _of_class(error)
    except Exception:
        return "unknown"


def _of_numbers(error: Any) -> str:
    """An exception of the system, of HTTP or of a child process has a number that says more than its class."""
    names = {each.__name__ for each in type(error).__mro__}
    if "HTTPError" in names:
        status = getattr(error, "code", None) or getattr(getattr(error, "response", None), "status_code", None)
        return shown(library.telemetry_error_category_from_http_status(int32(status))) if isinstance(status, int) else ""
    if "CalledProcessError" in names and isinstance(error.returncode, int):
        code = error.returncode
        return shown(library.telemetry_error_category_from_exit_code(128 - code if code < 0 else code))
    if isinstance(error, OSError) and isinstance(error.errno, int) and error.errno > 0 and not names & _BY_NAME.keys():
        return shown(library.telemetry_error_category_from_errno(int32(error.errno)))
    return ""


def _of_class(error: BaseException) -> str:
    for each in type(error).__mro__:
        if each.__name__ in _BY_NAME:
            return _BY_NAME[each.__name__]
    return next((word for kind, word in _CATEGORIES if isinstance(error, kind)), "unknown")


def type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def message(error: BaseException) -> str | None:
    """Its text, which the library does not read unless extended collection is on."""
    try:
        return str(error)
    except Exception:
        return None


def exit_code(error: BaseException | None) -> int:
    """What a program ends with that this exception leaves."""
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        return int32(error.code) if isinstance(error.code, int) else 0 if error.code is None else 1
    return 128 + _SIGINT if isinstance(error, KeyboardInterrupt) else 1


def member(value: object) -> int:
    """A member of an enumeration; a number that no enumeration has for anything else."""
    return int32(value) if isinstance(value, int) else -1
