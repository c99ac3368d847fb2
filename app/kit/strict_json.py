"""JSON as the contract reads it: stricter than any parser on offer, at nearly the speed of the standard one.

`read` and `read_object` raise MalformedJson for what is not a JSON text, and Invalid for what is one but holds
something that no request may hold; nothing else escapes them, whatever the bytes are. What is malformed is said first.

The parser of the standard library is used because it can be told everything that matters: pydantic's, orjson's and
msgspec's each let something through (two members of one name, a number beyond a double, any depth).
"""

import json
import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import NoReturn

from pydantic import JsonValue

from app.kit.refusals import MAX_FAULTS, Fault, Invalid, MalformedJson

MAX_DEPTH = 32
"""Levels of nesting, the outermost object or list being the first."""
MAX_ENTRIES = 1000
"""Of one list or object. A hundred thousand wrong entries fit in 256 KiB, and naming them would take half a second."""

_DIGITS_OF_A_DOUBLE = 308  # So many digits always fit; with more, `float` decides.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_NULL = re.compile("\x00")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Each way in which a control character or half of a surrogate pair can be written in a JSON text that has been parsed.
_SUSPICIOUS = re.compile(rb"\\[ubf]|\x7f|\xc2[\x80-\x9f]")


def read(raw: bytes, *, foreign: bool = False) -> JsonValue:
    """Return the value of the JSON text `raw`.

    Raises MalformedJson for bytes that are empty, not UTF-8, begin with a byte order mark, or are no JSON (RFC 8259);
    for two members of one name in an object, for NaN and Infinity, for a number beyond a double, for half of a
    surrogate pair, and for nesting below MAX_DEPTH. Raises Invalid for control characters other than line feed,
    carriage return and tab (code `not_allowed`, at each text or member's name that has one) and for a list or an
    object of more than MAX_ENTRIES entries (code `too_long`).

    `foreign`: what somebody else has signed, and cannot be asked to write otherwise. Of control characters only U+0000
    is refused then, which no database takes, and entries are not counted.
    """
    try:
        value: JsonValue = _DECODER.decode(raw.decode())
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors.
        raise MalformedJson from None
    # The tests before each walk are searches for bytes, so that an ordinary body is not walked through at all.
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and depth(value) > MAX_DEPTH:
        raise MalformedJson(f"The body is nested deeper than {MAX_DEPTH} levels.")
    if (b"\\" in raw or b"\x7f" in raw or b"\xc2" in raw) and _SUSPICIOUS.search(raw):
        _check_texts(value, _NULL if foreign else _CONTROL)
    if not foreign and raw.count(b",") >= MAX_ENTRIES and (place := _find_crowded(value, "")) is not None:
        raise Invalid(Fault(place, "too_long", f"A list or an object may have at most {MAX_ENTRIES} entries."))
    return value


def read_object(raw: bytes, *, foreign: bool = False) -> dict[str, JsonValue]:
    """Return the JSON object of `raw`. Raises as `read`, and Invalid at the pointer `""` for any other value."""
    value = read(raw, foreign=foreign)
    if not isinstance(value, dict):
        raise Invalid(Fault("", "wrong_type", "The body must be a JSON object."))
    return value


def depth(value: JsonValue) -> int:
    """Return the levels of nesting: 0 for a text, a number, true, false or null, 1 for a list of those."""
    level, layer = 0, [value]
    while containers := [part for part in layer if isinstance(part, dict | list)]:
        level += 1
        layer = [child for part in containers for child in (part.values() if isinstance(part, dict) else part)]
    return level


def escape(name: str) -> str:
    """Return a member's name as one token of a JSON pointer (RFC 6901 section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def without_nulls(value: JsonValue) -> JsonValue:
    """Return the value without the members that are null, at every depth. Entries of lists stay, null or not."""
    if isinstance(value, dict):
        return {name: without_nulls(child) for name, child in value.items() if child is not None}
    if isinstance(value, list):
        return [without_nulls(child) for child in value]
    return value


def canonical(value: JsonValue) -> bytes:
    """Return bytes that are equal for equal values: members sorted by name, no white space, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def _read_members(members: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    value = dict(members)
    if len(value) != len(members):
        raise MalformedJson("An object of the body has two members of one name.")
    return value


def _read_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise MalformedJson("The body has a number that no double can hold.")
    return value


def _read_integer(text: str) -> int:
    if len(text) > _DIGITS_OF_A_DOUBLE:  # `int` raises above 4,300 digits; `float` never does.
        _read_float(text)
    return int(text)


def _refuse_constant(text: str) -> NoReturn:
    raise MalformedJson(f"{text} is not a JSON number.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_read_members, parse_float=_read_float, parse_int=_read_integer, parse_constant=_refuse_constant
)


def _check_texts(value: JsonValue, refused: re.Pattern[str]) -> None:
    if any(_SURROGATE.search(text) for _, text in _walk_texts(value, "")):
        raise MalformedJson("A text of the body has half of a surrogate pair.")
    faults = (
        Fault(place, "not_allowed", "A control character in this text is refused.")
        for place, text in _walk_texts(value, "")
        if refused.search(text)
    )
    if found := tuple(islice(faults, MAX_FAULTS)):
        raise Invalid(*found)


def _walk_texts(value: JsonValue, place: str) -> Iterator[tuple[str, str]]:
    """Yield every text with its pointer; a member's name stands at the member."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _walk_texts(child, f"{place}/{index}")
    elif isinstance(value, dict):
        for name, child in value.items():
            inside = f"{place}/{escape(name)}"
            yield inside, name
            yield from _walk_texts(child, inside)


def _find_crowded(value: JsonValue, place: str) -> str | None:
    """Return the pointer of the first list or object with too many entries."""
    if not isinstance(value, dict | list):
        return None
    if len(value) > MAX_ENTRIES:
        return place
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for name, child in children:
        if (found := _find_crowded(child, f"{place}/{escape(str(name))}")) is not None:
            return found
    return None
