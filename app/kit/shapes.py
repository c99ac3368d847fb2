"""The base of every request and answer, the types they share, and how a model is filled without any coercion."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from app.kit.refusals import PERSONAL_DATA_CODES, Fault, Invalid, PersonalDataFound
from app.kit.strict_json import canonical, escape, without_nulls

Model = TypeVar("Model", bound=BaseModel)

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d(?:\.\d{1,9})?)([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,18}")


class Shape(BaseModel):
    """A value without an identity: frozen, complete, with nothing unknown in it and nothing coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


def read_instant(value: object) -> object:
    """Turn an RFC 3339 text with seconds and an offset into an instant in UTC; leave what is no text to the type.

    Up to nine digits of a fraction are read and six are kept. Raises `wrong_format`, and `out_of_range` for what no
    calendar or clock shows: a leap second, 24 o'clock, a year that is not 1 to 9999 in UTC.
    """
    # A validator that goes before the type has to convert: pydantic is in its strict Python mode behind it.
    if not isinstance(value, str):
        return value
    if (parts := _INSTANT.fullmatch(value)) is None:
        raise PydanticCustomError("wrong_format", "an RFC 3339 instant with an offset is needed")
    if parts[2].startswith("24"):  # Later versions of Python take it for the next day's midnight.
        raise PydanticCustomError("out_of_range", "the clock has no such hour")
    try:
        return datetime.fromisoformat(f"{parts[1]}T{parts[2]}{parts[3].upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("out_of_range", "the calendar has no such instant") from None


def show_instant(instant: datetime) -> str:
    """Return an aware instant in UTC with `Z`, and with six digits of a fraction where it has one."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_day(value: object) -> object:
    """Turn `YYYY-MM-DD` into a date. Raises `wrong_format` and `out_of_range`.

    Pydantic alone also takes a text of digits as seconds since 1970, if they fall on a midnight.
    """
    if not isinstance(value, str):
        return value
    if not _DAY.fullmatch(value):
        raise PydanticCustomError("wrong_format", "a date YYYY-MM-DD is needed")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("out_of_range", "the calendar has no such day") from None


def read_id(value: object) -> object:
    """Turn the hyphenated form of a UUID, in either case, into one (RFC 9562 section 4). Raises `wrong_format`.

    Pydantic alone also takes braces, `urn:uuid:` and digits without hyphens.
    """
    if not isinstance(value, str):
        return value
    if not _UUID.fullmatch(value):
        raise PydanticCustomError("wrong_format", "a UUID is needed")
    return UUID(value)


def read_digits(value: object) -> object:
    """Turn a text of 1 to 18 digits, as a query has it, into a whole number. Raises `wrong_format`.

    Pydantic alone also takes `5.0`, `+5`, `1_0` and white space.
    """
    if not isinstance(value, str):
        return value
    if not _DIGITS.fullmatch(value):
        raise PydanticCustomError("wrong_format", "a whole number is needed")
    return int(value)


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(read_instant),
    PlainSerializer(show_instant, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""RFC 3339 with an offset when it is read, UTC with `Z` when it is shown."""

Day = Annotated[date, BeforeValidator(read_day)]
"""A calendar day, `YYYY-MM-DD`."""

Id = Annotated[UUID, BeforeValidator(read_id)]
"""A UUID of any version in its hyphenated form."""

Digits = BeforeValidator(read_digits)
"""For numbers in a query, behind their limits: `Annotated[int, Field(ge=1), Digits]`.

In front of them the document would say `ge` instead of `minimum`.
"""

# White space (str.isspace) and the characters of Unicode's category Cf, written out so that the same text has the same
# length under every version of Python.
_BLANK_RANGES = (
    (0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
    (0xAD, 0xAD), (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2),
    (0x180E, 0x180E), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064), (0x2066, 0x206F), (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB), (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0001, 0xE0001), (0xE0020, 0xE007F),
)  # fmt: skip
BLANK = "".join(chr(point) for first, last in _BLANK_RANGES for point in range(first, last + 1))


def count_characters(text: str) -> int:
    """Return the text's length in code points; white space and invisible characters at both ends do not count."""
    return len(text.strip(BLANK))


@dataclass(frozen=True, slots=True)
class Length:
    """An annotation of a text type: how many code points it may have, as `count_characters` counts them.

    The text itself is left as it was sent. Raises `too_short` and `too_long`. A `minimum` of 1 is the least that makes
    sense: it refuses a text of nothing but white space.
    """

    minimum: int
    maximum: int

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check behind the type."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Show the limits as `minLength` and `maxLength`."""
        shown = handler(schema)
        return shown | ({"minLength": self.minimum} if self.minimum else {}) | {"maxLength": self.maximum}

    def check(self, text: str) -> str:
        """Return the text, or raise."""
        count = count_characters(text)
        if count < self.minimum:
            raise PydanticCustomError("too_short", "too short", {"min_length": self.minimum})
        if count > self.maximum:
            raise PydanticCustomError("too_long", "too long", {"max_length": self.maximum})
        return text


def length(minimum: int, maximum: int) -> Length:
    """Return the annotation of a text type for so many code points.

    Example: `Title = Annotated[str, length(1, 200)]`.
    """
    return Length(minimum, maximum)


def fill(model: type[Model], raw: bytes, value: Mapping[str, JsonValue], *, null_is_absent: bool) -> Model:
    """Return a `model` of the JSON text `raw`, whose value `strict_json.read_object` has given.

    With `null_is_absent` (a POST), members that are null count as absent; without it (a merge patch), null is a value.
    The model is filled from bytes, because only pydantic's strict JSON mode takes enums, dates and tuples and coerces
    nothing. Raises PersonalDataFound if personal data in free texts is all that is wrong, otherwise Invalid with every
    other fault.
    """
    if null_is_absent and b"null" in raw:
        value = {name: without_nulls(child) for name, child in value.items() if child is not None}
        raw = canonical(value)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        faults = faults_of(error, value)
    others = [fault for fault in faults if fault.code not in PERSONAL_DATA_CODES]
    raise Invalid(*others) if others else PersonalDataFound(*faults)


WORDS = {
    "missing": "This member is required.",
    "unknown": "There is no such member.",
    "wrong_type": "The value is of the wrong type.",
    "wrong_format": "The value does not have the form that is needed here.",
    "not_allowed": "This value is not allowed here.",
    "out_of_range": "The value is out of range.",
    "too_short": "The value is too short.",
    "too_long": "The value is too long.",
    "not_found": "There is nothing of this name or id.",
    "nhs_number": "The text holds an NHS number.",
    "national_insurance_number": "The text holds a National Insurance number.",
    "contact_details": "The text holds contact details of a person.",
}
"""A sentence for each code that a fault may have."""

_LIMITS = {
    "min_length": "The minimum length is {}.",
    "max_length": "The maximum length is {}.",
    "ge": "It must be at least {}.",
    "gt": "It must be more than {}.",
    "le": "It must be at most {}.",
    "lt": "It must be less than {}.",
    "expected": "It must be {}.",
    "expected_tags": "It must be one of {}.",
}

_CODES = {
    "missing": "missing",
    "union_tag_not_found": "missing",
    "extra_forbidden": "unknown",
    "enum": "not_allowed",
    "literal_error": "not_allowed",
    "union_tag_invalid": "not_allowed",
    "is_instance_of": "wrong_type",
    "int_parsing_size": "out_of_range",
    "finite_number": "out_of_range",
    "multiple_of": "out_of_range",
}


def faults_of(error: ValidationError, value: object) -> list[Fault]:
    """Return each fault's place in `value`, its code, and our own words: pydantic's may repeat what was sent."""
    return [_fault_of(details, value) for details in error.errors(include_url=False, include_input=False)]


def pointer(place: Sequence[int | str], value: object, *, keep_last: bool = False) -> str:
    """Return pydantic's place of an error as a JSON pointer into `value` (RFC 6901).

    What names nothing in `value`, such as the tag of a union, is left out; with `keep_last` the last token stays, as
    the name of a member that is missing.
    """
    tokens: list[str] = []
    for index, part in enumerate(place):
        found, value = _step(value, part)
        if found or (keep_last and index == len(place) - 1):
            tokens.append("/" + escape(str(part)))
    return "".join(tokens)


def _step(value: object, part: int | str) -> tuple[bool, object]:
    """Say whether `part` names something in `value`, and return that, or `value` itself."""
    if isinstance(value, dict) and part in value:
        return True, value[part]
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return True, value[part]
    return False, value


def _fault_of(details: ErrorDetails, value: object) -> Fault:
    kind, context = details["type"], details.get("ctx", {})
    place: tuple[int | str, ...] = details["loc"]
    if kind.startswith("union_tag"):  # Pydantic names the place of the union; the tag's own is a member of it.
        place = (*place, str(context.get("discriminator", "")).strip("'"))
    code = _code_of(kind)
    limits = [words.format(context[name]) for name, words in _LIMITS.items() if name in context]
    position = context.get("position") if code in PERSONAL_DATA_CODES else None
    return Fault(
        pointer(place, value, keep_last=code == "missing"),
        code,
        " ".join([WORDS[code], *limits]),
        position if isinstance(position, int) else None,
    )


def _code_of(kind: str) -> str:
    """Return the contract's code for a kind of pydantic's error; our own validators raise those codes themselves."""
    if kind in WORDS or kind in _CODES:
        return _CODES.get(kind, kind)
    if kind.endswith("too_long"):
        return "too_long"
    if kind.endswith("too_short"):
        return "too_short"
    if kind.startswith(("greater_than", "less_than", "decimal_max", "decimal_whole")):
        return "out_of_range"
    return "wrong_type" if kind.endswith("_type") else "wrong_format"
