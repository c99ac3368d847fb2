"""What is a JSON text, what is refused in one, and that nothing else ever happens."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue
from pydantic_core import from_json

from app.kit.refusals import Fault, Invalid, MalformedJson
from app.kit.strict_json import MAX_DEPTH, MAX_ENTRIES, canonical, depth, escape, read, read_object, without_nulls

MALFORMED = {
    "empty": b"",
    "white space alone": b" \n",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "Latin-1": '{"a":"é"}'.encode("latin-1"),
    "a surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "an overlong form": b'{"a":"\xc0\xaf"}',
    "cut off": b'{"a":1',
    "two values": b"{}{}",
    "a comma too many": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "no quotes": b"{a:1}",
    "a comment": b'{"a":1}//',
    "two members of one name": b'{"a":1,"a":1}',
    "two of one name, one escaped": b'{"a":1,"\\u0061":1}',
    "two of one name, deep inside": b'{"a":[{"b":1,"b":2}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":[Infinity]}',
    "-Infinity": b"-Infinity",
    "a fraction beyond a double": b'{"a":1e400}',
    "a negative one": b'{"a":-1.0e309}',
    "an integer beyond a double": b'{"a":1' + b"0" * 309 + b"}",
    "an integer of 5,000 digits": b"9" * 5000,
    "a negative one of 5,000 digits": b"-" + b"9" * 5000,
    "an integer with a zero in front": b"01",
    "a plus sign": b"+1",
    "hexadecimal": b"0x1",
    "no digit before the point": b".5",
    "Arabic digits": '{"a":\u0661}'.encode(),
    "half of a surrogate pair": b'{"a":"\\ud800"}',
    "the other half": b'["x\\uDfffx"]',
    "halves the wrong way round": b'["\\udc00\\ud800"]',
    "half of a pair as a name": b'{"\\ud83d":1}',
    "33 levels of lists": b"[" * 33 + b"]" * 33,
    "33 levels of objects": b'{"a":' * 33 + b"1" + b"}" * 33,
    "100,000 levels": b"[" * 100_000,
    "100,000 levels, closed": b"[" * 100_000 + b"]" * 100_000,
    "a line feed in a text": b'{"a":"\n"}',
    "NUL in a text": b'{"a":"\x00"}',
    "NUL behind it": b"{}\x00",
    "a bad escape": b'{"a":"\\x41"}',
    "what is malformed besides what is refused": b'["\\u0000","\\ud800"]',
    "too deep besides too many": b"[" * 33 + b",".join([b"1"] * 1001) + b"]" * 33,
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedJson):
        read_object(raw)


VALUES: list[tuple[bytes, JsonValue]] = [
    (b"null", None),
    (b" [true , false]\r\n\t", [True, False]),
    (b'{"a":1,"b":{"a":1}}', {"a": 1, "b": {"a": 1}}),
    (b"-0", 0),
    (b"-0.0", -0.0),
    (b"1.7976931348623157e308", 1.7976931348623157e308),
    (b"1e-400", 0.0),
    (b"1" + b"0" * 308, 10**308),
    (b"-1" + b"0" * 308, -(10**308)),
    (b"12345678901234567890", 12345678901234567890),
    (b'"\\ud83d\\ude00"', "😀"),
    (b'"a\\n\\r\\t\\/\\\\u0000 "', "a\n\r\t/\\u0000 "),
    ('"£é\u00a0\u2028\ufeff\u200b"'.encode(), "£é\u00a0\u2028\ufeff\u200b"),
]


@pytest.mark.parametrize(("raw", "value"), VALUES)
def test_values(raw: bytes, value: JsonValue) -> None:
    got = read(raw)
    assert got == value
    assert type(got) is type(value)


def test_thirty_two_levels_are_read() -> None:
    assert depth(read(b"[" * 32 + b"]" * 32)) == MAX_DEPTH
    assert depth(read(b'{"a":' * 32 + b"[" * 0 + b'"[[{{"' + b"}" * 32)) == MAX_DEPTH
    assert read(b'["' + b"[{" * 99 + b'"]') == ["[{" * 99]
    assert depth("[") == 0


@pytest.mark.parametrize("raw", [b"[]", b"[{}]", b"null", b"true", b"5", b'"{}"'])
def test_other_values_than_an_object(raw: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        read_object(raw)
    assert caught.value.faults == (Fault("", "wrong_type", "The body must be a JSON object."),)


def places(raw: bytes) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        read_object(raw)
    return [(fault.pointer, fault.code) for fault in caught.value.faults]


@pytest.mark.parametrize(
    "text", ["\\u0000", "\\b", "\\f", "\\u001F", "\\u007f", "\x7f", "\x80", "\x85", "\x9f", "\\u0085"]
)
def test_control_characters(text: str) -> None:
    assert places(f'{{"a":["x","x{text}x"]}}'.encode()) == [("/a/1", "not_allowed")]


def test_each_text_with_a_control_character_is_named_and_so_is_a_name() -> None:
    raw = b'{"a/b":{"~":"\\u0001"},"c":["\\u0002",{"d\\u0003":"fine"}],"e":"\\u0004\\u0005"}'
    assert places(raw) == [
        ("/a~1b/~0", "not_allowed"),
        ("/c/0", "not_allowed"),
        ("/c/1/d\x03", "not_allowed"),
        ("/e", "not_allowed"),
    ]


def test_a_hundred_control_characters_are_named() -> None:
    assert places(b'{"a":[' + b",".join([b'"\\u0000"'] * 900) + b"]}") == [
        (f"/a/{index}", "not_allowed") for index in range(100)
    ]


@pytest.mark.parametrize(
    ("opening", "entry", "closing", "place"),
    [
        (b'{"a":[', b"1", b"]}", "/a"),
        (b'{"a":[[],{"b/c":[', b"1", b"]}]}", "/a/1/b~1c"),
        (b'{"a":[', b'"x"', b"]}", "/a"),
    ],
)
def test_entries_of_a_list(opening: bytes, entry: bytes, closing: bytes, place: str) -> None:
    read_object(opening + b",".join([entry] * MAX_ENTRIES) + closing)
    assert places(opening + b",".join([entry] * (MAX_ENTRIES + 1)) + closing) == [(place, "too_long")]


def test_entries_of_an_object() -> None:
    members = [f'"{index}":1' for index in range(MAX_ENTRIES + 1)]
    read_object(f"{{{','.join(members[:-1])}}}".encode())
    assert places(f"{{{','.join(members)}}}".encode()) == [("", "too_long")]


def test_many_entries_in_several_lists_are_read() -> None:
    ones = [1] * MAX_ENTRIES
    assert read(json.dumps([ones, ones, ",,"]).encode()) == [ones, ones, ",,"]


@pytest.mark.parametrize(
    ("name", "token"), [("a", "a"), ("", ""), ("a/b", "a~1b"), ("~", "~0"), ("~1", "~01"), (" é'", " é'")]
)
def test_tokens_of_a_pointer(name: str, token: str) -> None:
    assert escape(name) == token


def test_nulls_are_taken_out_of_objects_at_every_depth_and_stay_in_lists() -> None:
    value: JsonValue = {"a": None, "b": {"c": None, "d": 0}, "e": [None, {"f": None}, [None]], "g": ""}
    assert without_nulls(value) == {"b": {"d": 0}, "e": [None, {}, [None]], "g": ""}
    assert without_nulls(None) is None


def test_the_canonical_form_sorts_members_and_keeps_values() -> None:
    assert canonical(read(b' {"b" : [1, 1.0, "\\u00e9"], "a":{"d":null,"c":true}}')) == (
        '{"a":{"c":true,"d":null},"b":[1,1.0,"é"]}'.encode()
    )


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**300), 10**300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_every_ordinary_value_is_read_and_pydantic_reads_the_same(value: JsonValue, ascii_only: bool) -> None:  # noqa: FBT001
    raw = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert read(raw) == value
    assert from_json(raw, allow_inf_nan=False) == value
    assert read(canonical(value)) == value


@given(st.binary(max_size=64) | st.text('{}[]:,"\\ud8 0019aeEntf\x00\x80-+.NI', max_size=40).map(str.encode))
def test_whatever_the_bytes_are_nothing_else_is_raised(raw: bytes) -> None:
    try:
        value = read_object(raw)
    except (MalformedJson, Invalid):
        return
    assert json.loads(raw) == value
    assert from_json(raw) == value
    assert all(map(math.isfinite, (part for part in value.values() if isinstance(part, float))))
