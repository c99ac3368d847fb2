"""How models are filled, what is never coerced, and what faults say and do not say."""

import json
import sys
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING, AfterValidator, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.kit.refusals import Fault, Invalid, PersonalDataFound
from app.kit.shapes import (
    BLANK,
    WORDS,
    Day,
    Digits,
    Id,
    Instant,
    Shape,
    count_characters,
    faults_of,
    fill,
    length,
    pointer,
    show_instant,
)
from app.kit.strict_json import read_object

SECRET_NUMBER = "9434765919"


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def refuse_a_number(text: str) -> str:
    if (position := text.find(SECRET_NUMBER)) >= 0:
        raise PydanticCustomError("nhs_number", "a number", {"position": position})
    return text


class Circle(Shape):
    kind: Literal["circle"]
    radius: Annotated[int, Field(gt=0)]


class Square(Shape):
    kind: Literal["square"]


class Person(Shape):
    name: Annotated[str, length(1, 10)]
    born_on: Day | MISSING | None = MISSING


class Request(Shape):
    title: Annotated[str, length(1, 5), AfterValidator(refuse_a_number)]
    text: Annotated[str, AfterValidator(refuse_a_number)] | None = None
    count: Annotated[int, Field(ge=1, le=5)] | None = None
    share: float | None = None
    yes: bool | None = None
    colour: Colour | None = None
    at: Instant | None = None
    on: Day | None = None
    id: Id | None = None
    tags: Annotated[tuple[Annotated[str, length(1, 3)], ...], Field(max_length=2)] = ()
    shape: Annotated[Circle | Square, Field(discriminator="kind")] | None = None
    person: Person | MISSING | None = MISSING
    either: Person | Circle | None = None
    scores: dict[str, int] | None = None
    needed_with_blue: int | None = None

    @model_validator(mode="after")
    def has_what_blue_needs(self) -> Self:
        if self.colour is Colour.BLUE and self.needed_with_blue is None:
            error = InitErrorDetails(type="missing", loc=("needed_with_blue",), input=None)
            raise ValidationError.from_exception_data("Request", [error])
        return self


def read_request(raw: str, *, null_is_absent: bool = True) -> Request:
    encoded = raw.encode()
    return fill(Request, encoded, read_object(encoded), null_is_absent=null_is_absent)


def faults(members: str) -> list[tuple[str, str]]:
    """Return where and why a request of a title and these members is refused."""
    with pytest.raises(Invalid) as caught:
        read_request(f'{{"title":"x",{members}}}')
    return [(fault.pointer, fault.code) for fault in caught.value.faults]


def test_a_full_request() -> None:
    raw = (
        '{"title":" Tea ","text":"é","count":5,"share":1,"yes":true,"colour":"red","at":"2026-11-22T21:14:00+01:00",'
        '"on":"2026-02-28","id":"0197C8D2-7B3A-7cde-8f01-23456789abcd","tags":["a","b"],'
        '"shape":{"kind":"circle","radius":1},"person":{"name":"Ann"},"scores":{"a":1}}'
    )
    assert read_request(raw) == Request(
        title=" Tea ",
        text="é",
        count=5,
        share=1.0,
        yes=True,
        colour=Colour.RED,
        at=datetime(2026, 11, 22, 20, 14, tzinfo=UTC),
        on=date(2026, 2, 28),
        id=UUID("0197c8d2-7b3a-7cde-8f01-23456789abcd"),
        tags=("a", "b"),
        shape=Circle(kind="circle", radius=1),
        person=Person(name="Ann"),
        scores={"a": 1},
    )


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ('"count":"1"', [("/count", "wrong_type")]),
        ('"count":1.0', [("/count", "wrong_type")]),
        ('"count":true', [("/count", "wrong_type")]),
        ('"count":0', [("/count", "out_of_range")]),
        ('"count":6', [("/count", "out_of_range")]),
        ('"share":"1"', [("/share", "wrong_type")]),
        ('"share":true', [("/share", "wrong_type")]),
        ('"yes":1', [("/yes", "wrong_type")]),
        ('"yes":"true"', [("/yes", "wrong_type")]),
        ('"text":5', [("/text", "wrong_type")]),
        ('"colour":"green"', [("/colour", "not_allowed")]),
        ('"colour":5', [("/colour", "not_allowed")]),
        ('"at":1700000000', [("/at", "wrong_type")]),
        ('"on":20260228', [("/on", "wrong_type")]),
        ('"id":5', [("/id", "wrong_type")]),
        ('"tags":"a"', [("/tags", "wrong_type")]),
        ('"tags":{"0":"a"}', [("/tags", "wrong_type")]),
        ('"tags":["a",5]', [("/tags/1", "wrong_type")]),
        ('"tags":["a",null]', [("/tags/1", "wrong_type")]),
        ('"tags":["abcd","\\u00a0"]', [("/tags/0", "too_long"), ("/tags/1", "too_short")]),
        ('"tags":["a","b","c"]', [("/tags", "too_long")]),
        ('"shape":{}', [("/shape/kind", "missing")]),
        ('"shape":{"kind":"line"}', [("/shape/kind", "not_allowed")]),
        ('"shape":{"kind":"circle"}', [("/shape/radius", "missing")]),
        ('"shape":{"kind":"circle","radius":0}', [("/shape/radius", "out_of_range")]),
        ('"shape":{"kind":"square","radius":1}', [("/shape/radius", "unknown")]),
        ('"person":{}', [("/person/name", "missing")]),
        ('"person":5', [("/person", "wrong_type")]),
        ('"person":{"name":"Ann","born_on":"x"}', [("/person/born_on", "wrong_format")]),
        ('"person":{"name":"Ann","a/b":1}', [("/person/a~1b", "unknown")]),
        ('"either":{"name":5}', [("/either/name", "wrong_type"), ("/either/kind", "missing"), ("/either/radius", "missing"), ("/either/name", "unknown")]),  # noqa: E501
        ('"scores":{"a":"b"}', [("/scores/a", "wrong_type")]),
        ('"zz":1', [("/zz", "unknown")]),
        ('"Title":"x"', [("/Title", "unknown")]),
        ('"colour":"blue"', [("/needed_with_blue", "missing")]),
    ],
)  # fmt: skip
def test_nothing_is_coerced_and_each_fault_has_its_place(members: str, expected: list[tuple[str, str]]) -> None:
    assert faults(members) == expected


def test_a_missing_member_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        read_request("{}")
    assert caught.value.faults == (Fault("/title", "missing", "This member is required."),)


@pytest.mark.parametrize(
    ("members", "detail"),
    [
        ('"count":6', "The value is out of range. It must be at most 5."),
        ('"count":0', "The value is out of range. It must be at least 1."),
        ('"colour":"green"', "This value is not allowed here. It must be 'red' or 'blue'."),
        ('"tags":["abcd"]', "The value is too long. The maximum length is 3."),
        ('"tags":[""]', "The value is too short. The minimum length is 1."),
        ('"shape":{"kind":"x"}', "This value is not allowed here. It must be one of 'circle', 'square'."),
    ],
)
def test_words_tell_the_limit(members: str, detail: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_request(f'{{"title":"x",{members}}}')
    assert [fault.detail for fault in caught.value.faults] == [detail]


@given(st.text(st.characters(categories=["L"]), min_size=9, max_size=12))
def test_no_words_repeat_what_was_sent(word: str) -> None:
    value = {
        "title": word, "text": 5, "colour": word, "at": word, "on": word, "id": word, "tags": word,
        "shape": {"kind": word}, "person": word, "scores": {"a": word}, "count": word,
    }  # fmt: skip
    with pytest.raises(Invalid) as caught:
        read_request(json.dumps(value))
    assert not [fault for fault in caught.value.faults if word in fault.detail or word in fault.pointer]


# --- null
def test_in_a_post_null_is_absent_at_every_depth() -> None:
    request = read_request('{"title":"x","text":null,"person":{"name":"Ann","born_on":null},"zz":null}')
    assert request == Request(title="x", person=Person(name="Ann"))
    assert request.model_fields_set == {"title", "person"}
    with pytest.raises(Invalid) as caught:
        read_request('{"title":null}')
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/title", "missing")]


def test_in_a_merge_patch_null_is_a_value_at_every_depth() -> None:
    raw = '{"title":"x","person":{"name":"Ann","born_on":null}}'
    assert read_request(raw, null_is_absent=False).model_dump(exclude_unset=True) == {
        "title": "x",
        "person": {"name": "Ann", "born_on": None},
    }
    assert read_request('{"title":"x","person":null}', null_is_absent=False).person is None
    with pytest.raises(Invalid) as caught:
        read_request('{"title":null,"person":{"name":null}}', null_is_absent=False)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [
        ("/title", "wrong_type"),
        ("/person/name", "wrong_type"),
    ]


# --- personal data
def test_personal_data_alone_is_a_refusal_of_its_own() -> None:
    with pytest.raises(PersonalDataFound) as caught:
        read_request(f'{{"title":"x","text":"a {SECRET_NUMBER}"}}')
    assert caught.value.faults == (Fault("/text", "nhs_number", WORDS["nhs_number"], 2),)


def test_beside_other_faults_personal_data_waits() -> None:
    assert faults(f'"text":"a {SECRET_NUMBER}","count":0') == [("/count", "out_of_range")]


# --- instants and days
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-22T21:14:00Z", "2026-11-22T21:14:00Z"),
        ("2026-11-22t21:14:00z", "2026-11-22T21:14:00Z"),
        ("2026-11-22T21:14:00+01:00", "2026-11-22T20:14:00Z"),
        ("2026-11-22T21:14:00-00:00", "2026-11-22T21:14:00Z"),
        ("2026-11-22T21:14:00.5Z", "2026-11-22T21:14:00.500000Z"),
        ("2026-11-22T21:14:00.000000Z", "2026-11-22T21:14:00Z"),
        ("2026-11-22T21:14:00.123456999-23:59", "2026-11-23T21:13:00.123456Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
    ],
)
def test_instants(text: str, shown: str) -> None:
    request = read_request(json.dumps({"title": "x", "at": text}))
    assert json.loads(request.model_dump_json())["at"] == shown


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(
            (text, "wrong_format")
            for text in (
                "2026-11-22", "2026-11-22T21:14Z", "2026-11-22T21:14:00", "2026-11-22 21:14:00Z", "1700000000",
                "2026-11-22T21:14:00.Z", "2026-11-22T21:14:00.1234567890Z", "2026-11-22T21:14:00,5Z",
                "2026-11-22T21:14:00+0100", "2026-11-22T21:14:00+01", "2026-W47-7T21:14:00Z", "20261122T211400Z",
                " 2026-11-22T21:14:00Z", "2026-11-22T21:14:00Z\n", "", "12026-11-22T21:14:00Z",
                "\u0662\u0660\u0662\u0666-11-22T21:14:00Z",
            )
        ),
        *(
            (text, "out_of_range")
            for text in (
                "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T23:59:60Z",
                "2026-11-22T21:60:00Z", "2026-11-22T21:14:00+24:00", "0000-01-01T00:00:00Z",
                "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
            )
        ),
    ],
)  # fmt: skip
def test_no_instants(text: str, code: str) -> None:
    assert faults(f'"at":{json.dumps(text)}') == [("/at", code)]


def test_an_instant_is_shown_in_utc_and_made_only_with_an_offset() -> None:
    assert show_instant(datetime(2026, 7, 1, 9, 0, tzinfo=timezone(timedelta(hours=1)))) == "2026-07-01T08:00:00Z"
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python(datetime(2026, 7, 1))  # noqa: DTZ001 -- what is refused here


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1700006400", "wrong_format"),
        ("0", "wrong_format"),
        ("2026-11-22T00:00:00Z", "wrong_format"),
        ("2026-11-2", "wrong_format"),
        ("2026-02-29", "out_of_range"),
        ("0000-01-01", "out_of_range"),
    ],
)
def test_no_days(text: str, code: str) -> None:
    assert faults(f'"on":{json.dumps(text)}') == [("/on", code)]


# --- ids and digits
@pytest.mark.parametrize(
    "text",
    [
        "0197c8d27b3a7cde8f0123456789abcd",
        "{0197c8d2-7b3a-7cde-8f01-23456789abcd}",
        "urn:uuid:0197c8d2-7b3a-7cde-8f01-23456789abcd",
        "0197c8d2-7b3a-7cde-8f01-23456789abc",
        "0197c8d2-7b3a-7cde-8f01-23456789abcg",
        "0197c8d2-7b3a-7cde-8f01-23456789abcd\n",
        "",
    ],
)
def test_no_ids(text: str) -> None:
    assert faults(f'"id":{json.dumps(text)}') == [("/id", "wrong_format")]


LIMIT: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=1, le=200), Digits])


def test_digits_of_a_query() -> None:
    assert [LIMIT.validate_python(text) for text in ("1", "50", "200")] == [1, 50, 200]
    assert LIMIT.json_schema() == {"type": "integer", "minimum": 1, "maximum": 200}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((text, "wrong_format") for text in ("", "5.0", "+5", "-5", " 5", "1_0", "\u0665", "5\n", "1" * 19)),
        *((text, "out_of_range") for text in ("0", "201", "1" * 18)),
    ],
)
def test_no_digits(text: str, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LIMIT.validate_python(text)
    assert [fault.code for fault in faults_of(caught.value, {})] == [code]


def test_a_number_of_a_query_may_have_been_read_already() -> None:
    assert LIMIT.validate_python(5) == 5


@pytest.mark.parametrize(("text", "code"), [("a", "too_short"), ("abcd", "too_long"), ("a1", "wrong_format")])
def test_faults_that_pydantic_finds_in_texts(text: str, code: str) -> None:
    letters: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(min_length=2, max_length=3, pattern="^[a-z]*$")])
    with pytest.raises(ValidationError) as caught:
        letters.validate_python(text)
    assert [fault.code for fault in faults_of(caught.value, text)] == [code]


# --- lengths
@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" \n\t\u00a0\u2003\u3000\u2028", 0),
        ("\u200b\u200d\ufeff\u2060\u00ad\u202e", 0),
        ("\u200b \u200b \u200ba b\u200bc \u200b ", 5),
        ("é", 1),
        ("e\u0301", 2),
        ("😀", 1),
        ("👩\u200d🔧", 3),
    ],
)
def test_lengths_are_code_points_without_what_is_invisible_at_the_ends(text: str, count: int) -> None:
    assert count_characters(text) == count


def test_blank_is_what_unicode_says() -> None:
    of_this_python = {
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if character.isspace() or unicodedata.category(character) == "Cf"
    }
    assert of_this_python <= set(BLANK)
    assert {unicodedata.category(character) for character in set(BLANK) - of_this_python} <= {"Cn"}


def test_a_text_is_kept_as_it_was_sent() -> None:
    assert read_request('{"title":"\\u200b  abcde  "}').title == "\u200b  abcde  "
    with pytest.raises(Invalid):
        read_request('{"title":"abcdef"}')


def test_the_document_shows_lengths_and_forms() -> None:
    class Shown(Shape):
        text: Annotated[str, length(80, 5000)]
        note: Annotated[str, length(0, 10)]
        at: Instant
        on: Day
        id: Id

    for mode in ("validation", "serialization"):
        assert Shown.model_json_schema(mode=mode)["properties"] == {
            "text": {"type": "string", "title": "Text", "minLength": 80, "maxLength": 5000},
            "note": {"type": "string", "title": "Note", "maxLength": 10},
            "at": {"type": "string", "title": "At", "format": "date-time"},
            "on": {"type": "string", "title": "On", "format": "date"},
            "id": {"type": "string", "title": "Id", "format": "uuid"},
        }


# --- pointers
def test_a_pointer_leaves_out_what_names_nothing() -> None:
    value = {"a": [{"b/c": 1}], "1": {}}
    assert pointer(("a", 0, "tag", "b/c"), value) == "/a/0/b~1c"
    assert pointer(("a", "tag", 5), value) == "/a"
    assert pointer(("a", 0, "tag", "gone"), value, keep_last=True) == "/a/0/gone"
    assert pointer((), value) == ""


def test_every_code_of_the_contract_has_words() -> None:
    assert set(WORDS) == {
        "missing", "unknown", "wrong_type", "wrong_format", "not_allowed", "out_of_range", "too_short", "too_long",
        "not_found", "nhs_number", "national_insurance_number", "contact_details",
    }  # fmt: skip
