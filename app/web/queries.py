"""Query parameters: every one known, once, and of its form."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from app.kit.refusals import Fault, Invalid
from app.kit.shapes import WORDS, Digits, faults_of

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MAX_NAME_CHARACTERS = 100


class Parameters(BaseModel):
    """The base of the query parameters of an operation. Each value is a text; its type says what is read from it.

    Numbers take `Digits` behind their limits, truth values are a `Flag`, and there are no lists: a parameter stands
    there once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def read_flag(value: object) -> object:
    """Turn `true` and `false` into a truth value. Pydantic alone also takes `1`, `yes`, `on` and more."""
    if value in {"true", "false"}:
        return value == "true"
    if isinstance(value, str):
        raise PydanticCustomError("not_allowed", "true or false is needed")
    return value


Flag = Annotated[bool, BeforeValidator(read_flag)]
"""`true` or `false`."""


class PageParameters(Parameters):
    """What every list takes."""

    limit: Annotated[
        int, Field(ge=1, le=200, description="How many entries the page has at most.", examples=[50]), Digits
    ] = 50
    cursor: Annotated[
        str | None,
        Field(description="`next_cursor` of the page before. Repeat the filters and the order with it."),
    ] = None


Model = TypeVar("Model", bound=BaseModel)


def read_query(query: bytes, model: type[Model]) -> tuple[Model, dict[str, str]]:
    """Return the parameters as a `model`, and as they were sent.

    Raises Invalid at `?name`: `unknown`, `not_allowed` for a repetition, `wrong_format` for what is not UTF-8 in
    percent-encoding, and what the types of the model refuse.
    """
    pairs, faults = _pairs_of(query)
    counts = Counter(name for name, _ in pairs)
    values = dict(pairs)
    known = model.model_fields
    for name, value in values.items():
        if name not in known:
            faults.append(Fault(f"?{name[:_MAX_NAME_CHARACTERS]}", "unknown", "There is no such query parameter."))
        elif counts[name] > 1:
            faults.append(Fault(f"?{name}", "not_allowed", "This query parameter stands there twice."))
        elif _CONTROL.search(value):
            faults.append(Fault(f"?{name}", "not_allowed", "Control characters are refused."))
    if faults:
        raise Invalid(*faults)
    try:
        return model.model_validate_strings(values), values
    except ValidationError as error:
        raise Invalid(*_in_the_query(faults_of(error, values))) from None


def _pairs_of(query: bytes) -> tuple[list[tuple[str, str]], list[Fault]]:
    """Split and decode as HTML forms do (a plus is a space)."""
    pairs: list[tuple[str, str]] = []
    faults: list[Fault] = []
    for part in filter(None, query.split(b"&")):
        raw_name, _, raw_value = part.partition(b"=")
        name, value = _decode(raw_name), _decode(raw_value)
        if name is not None and value is not None:
            pairs.append((name, value))
        else:
            shown = "" if name is None else name[:_MAX_NAME_CHARACTERS]
            faults.append(Fault(f"?{shown}", "wrong_format", WORDS["wrong_format"]))
    return pairs, faults


def _decode(raw: bytes) -> str | None:
    """Return the text, or None where it is no percent-encoding of UTF-8."""
    if _BROKEN_ESCAPE.search(raw):
        return None
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        return None


def _in_the_query(faults: list[Fault]) -> Iterator[Fault]:
    for fault in faults:
        yield Fault(f"?{fault.pointer[1:]}", fault.code, fault.detail)
