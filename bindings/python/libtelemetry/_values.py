# SPDX-License-Identifier: Apache-2.0
"""From what Python has to what telemetry.h takes: texts, numbers, attributes. Nothing here raises for a value."""
from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Any, Final

from . import _abi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Union

    #: The value of an attribute. None leaves it out.
    Value = Union[str, bool, int, float, None]
    Attributes = Mapping[str, Value]
    Path = Union[str, os.PathLike[str]]

_INT64_MAX: Final = 2**63 - 1
_INT64_MIN: Final = -(2**63)
#: Names and keys are few: their bytes are kept.
_names: Final[dict[str, bytes]] = {}
_NAMES_MAX: Final = 1024
_NAME_MAX: Final = 256


def text(value: object) -> bytes | None:
    """A text as UTF-8; None, which is NULL, for anything else. A NUL counts as a byte that is not UTF-8, as in the C++ binding."""
    if not isinstance(value, str):
        return None
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        encoded = _odd(value)
    return encoded.replace(b"\0", b"\xff") if b"\0" in encoded else encoded


def _odd(value: str) -> bytes:
    """Bytes of a file's name or of an argument that were not UTF-8 (PEP 383), and other lone surrogates. The library repairs them."""
    try:
        return value.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return value.encode(errors="surrogatepass")


def name(value: object) -> bytes | None:
    """A text that comes again: the name of an event, a key."""
    try:
        return _names[value]  # type: ignore[index]
    except (KeyError, TypeError):
        pass
    encoded = text(value)
    if encoded is not None and type(value) is str and len(encoded) <= _NAME_MAX and len(_names) < _NAMES_MAX:
        _names[value] = encoded
    return encoded


def path(value: object) -> bytes | None:
    """The path of a file, in whatever bytes it has."""
    try:
        value = os.fspath(value)  # type: ignore[call-overload]
    except TypeError:
        return None
    return text(os.fsdecode(value)) if isinstance(value, bytes) else text(value)


def int64(value: object) -> int:
    """A whole number, cut to the nearest that has 64 bits."""
    if not isinstance(value, int):
        value = whole(value)
    return value if _INT64_MIN <= value <= _INT64_MAX else _INT64_MAX if value > 0 else _INT64_MIN


def whole(value: object) -> int:
    """A number without its fraction; 0 for anything else."""
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except Exception:
        return 0


def int32(value: object) -> int:
    return max(-(2**31), min(2**31 - 1, int64(value)))


def uint32(value: object) -> int:
    return max(0, min(2**32 - 1, int64(value)))


def number(value: object) -> float:
    """A floating-point number; NaN, which every function refuses, for anything else."""
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return float("inf") if isinstance(value, int) and value > 0 else float("-inf")
    except Exception:
        return float("nan")


#: Types of arrays with as many attributes as their index says. ctypes needs longer to find them.
_arrays: Final[list[Any]] = [_abi.Attribute * length for length in range(17)]
_NOTHING: Final = (None, 0)


def attributes(mapping: object, more: dict[str, Any] | None = None) -> tuple[Any, int]:
    """An array for a call, and its length. What is not an attribute goes without a value: the library leaves it out and counts it."""
    if mapping is None:
        if not more:
            return _NOTHING
        given: dict[Any, Any] = more
    else:
        try:
            given = {**mapping, **more} if more else dict(mapping)  # type: ignore[dict-item, call-overload]
        except Exception:
            given = {None: "", **(more or {})}
    length = len(given)
    array = (_arrays[length] if length < 17 else _abi.Attribute * length)()
    index = 0
    for key, value in given.items():
        kind = type(value)
        if value is None and key is not None:
            continue
        entry = array[index]
        index += 1
        entry.key = _names.get(key) or name(key) if type(key) is str else name(key)
        if kind is str:
            entry.string = text(value)
        elif kind is bool:
            entry.type = _abi.BOOL
            entry.boolean = value
        elif kind is int:
            entry.type = _abi.INT
            entry.integer = value if _INT64_MIN <= value <= _INT64_MAX else int64(value)
        elif kind is float:
            entry.type = _abi.DOUBLE
            entry.number = value
        else:
            _unusual(entry, value)
    return array, index


def _unusual(entry: Any, value: object) -> None:
    """Types derived from the four, such as those of enum; the text of anything else is NULL."""
    try:
        if isinstance(value, str):
            entry.string = text(str.__str__(value))
        elif isinstance(value, int):
            entry.type, entry.integer = _abi.INT, int64(int.__index__(value))
        elif isinstance(value, float):
            entry.type, entry.number = _abi.DOUBLE, float.__float__(value)
    except Exception:
        entry.type, entry.string = _abi.STRING, None


def written(function: Callable[[Any, int], int]) -> str:
    """A text that a function writes into a buffer, and whose length it returns."""
    size = 512
    while True:
        buffer = ctypes.create_string_buffer(size)
        length: int = function(buffer, size)
        if length < size:
            return buffer.raw[:length].decode(errors="replace")
        size = length + 1


def shown(answer: bytes | None) -> str:
    """A static text of the library's."""
    return (answer or b"").decode(errors="replace")
