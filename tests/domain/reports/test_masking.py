"""Personal numbers in what was signed are found however they are written, and nothing else is changed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from app.domain.reports.masking import masked_raw, masked_text, masked_value

NUMBER, MASKED = "943 476 5919", "*** *** ****"


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        (b'{"a":"943 476 5919"}', b'{"a":"*** *** ****"}'),
        (b'{"a": "9434765919",\r\n "b":1}', b'{"a": "**********",\r\n "b":1}'),
        (rb'{"a":"\u0039434765919"}', b'{"a":"**********"}'),
        (b'["x",["AB123456C"]]', b'["x",["*********"]]'),
        (b'{"943 476 5919":1}', b'{"*** *** ****":1}'),
        (b'{"a":"caf\xc3\xa9 943 476 5919"}', b'{"a":"caf\xc3\xa9 *** *** ****"}'),
        (rb'{"a":"\"943 476 5919\""}', rb'{"a":"\"*** *** ****\""}'),
        (b'{"a":"943 476 5919","b":"943 476 5919"}', b'{"a":"*** *** ****","b":"*** *** ****"}'),
    ],
)
def test_a_number_is_masked_in_the_bytes(raw: bytes, masked: bytes) -> None:
    assert masked_raw(raw) == masked


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b'{"a":"943 476 5918"}',
        b'{"a":9434765919}',
        b'{"external_id":"9434765919","evidence":[{"url": "https://example.org/9434765919"}]}',
        b'{"report_id" : "9434765919", "supersedes":"9434765919"}',
        rb'{"a":"\u00e9"}',
    ],
)
def test_what_is_none_stays_as_it_is(raw: bytes) -> None:
    assert masked_raw(raw) is None


def test_the_name_before_a_list_does_not_spare_what_is_in_it() -> None:
    assert masked_raw(b'{"url":["9434765919"]}') == b'{"url":["**********"]}'


def test_bytes_that_are_no_json_are_looked_at_as_a_text() -> None:
    assert masked_text(b"\xff943 476 5919") == b"\xff*** *** ****"
    assert masked_text(b"\xff 943") is None


def test_a_value_is_masked_like_its_bytes() -> None:
    value: dict[str, JsonValue] = {
        "a": NUMBER,
        "url": NUMBER,
        "b": [{"c": NUMBER, "site": NUMBER}],
        NUMBER: 1,
        "n": None,
    }
    expected = {"a": MASKED, "url": NUMBER, "b": [{"c": MASKED, "site": NUMBER}], MASKED: 1, "n": None}
    assert masked_value(value) == expected
    assert masked_raw(json.dumps(value).encode()) == json.dumps(expected).encode()


TEXTS = st.text(max_size=5) | st.sampled_from([NUMBER, f"x{NUMBER}", "AB123456C", '"', "\\", "url", "site"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(value=VALUES, indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_bytes_and_values_agree(value: JsonValue, indent: int | None, *, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    raw = text.encode(errors="surrogatepass")
    masked = masked_raw(raw)
    assert json.loads(raw if masked is None else masked) == masked_value(value)
