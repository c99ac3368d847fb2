from datetime import UTC, datetime
from typing import Annotated, Literal

import pytest
from pydantic import Field

from app.kit.refusals import Fault, Invalid
from app.kit.shapes import Id, Instant
from app.web.queries import Flag, PageParameters, read_query


class Filters(PageParameters):
    q: Annotated[str | None, Field(max_length=10)] = None
    since: Instant | None = None
    of: Id | None = None
    dry_run: Flag = False
    kind: Literal["a", "b"] = "a"


def faults(query: str | bytes) -> list[tuple[str, str]]:
    raw = query.encode() if isinstance(query, str) else query
    with pytest.raises(Invalid) as caught:
        read_query(raw, Filters)
    return [(fault.pointer, fault.code) for fault in caught.value.faults]


def test_nothing_is_the_defaults() -> None:
    assert read_query(b"", Filters) == (Filters(), {})


def test_values_are_decoded_and_read() -> None:
    query = b"limit=7&q=caf%C3%A9+%26%20%2B&since=2026-11-22T21:14:00%2B01:00&dry_run=true&kind=b"
    found, sent = read_query(query, Filters)
    since = datetime(2026, 11, 22, 20, 14, tzinfo=UTC)
    assert found == Filters(limit=7, q="café & +", since=since, dry_run=True, kind="b")
    assert sent == {
        "limit": "7",
        "q": "café & +",
        "since": "2026-11-22T21:14:00+01:00",
        "dry_run": "true",
        "kind": "b",
    }


def test_raw_utf_8_is_read_too() -> None:
    assert read_query("q=café".encode(), Filters)[0].q == "café"


def test_separators_without_anything_between_them_do_not_count() -> None:
    assert read_query(b"&&limit=7&", Filters)[0].limit == 7


@pytest.mark.parametrize("value", ["1", "yes", "on", "True", "TRUE", "", "t", "0"])
def test_only_true_and_false_are_truth_values(value: str) -> None:
    assert faults(f"dry_run={value}") == [("?dry_run", "not_allowed")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("colour=red", [("?colour", "unknown")]),
        ("Limit=5", [("?Limit", "unknown")]),
        ("limit[]=5", [("?limit[]", "unknown")]),
        ("=5", [("?", "unknown")]),
        ("limit=1&limit=1", [("?limit", "not_allowed")]),
        ("limit=1&%6Cimit=2", [("?limit", "not_allowed")]),
        ("limit", [("?limit", "wrong_format")]),
        ("limit=201", [("?limit", "out_of_range")]),
        ("q=12345678901", [("?q", "too_long")]),
        ("q=a%00", [("?q", "not_allowed")]),
        ("q=a%C2%85", [("?q", "not_allowed")]),
        ("q=%ff", [("?q", "wrong_format")]),
        ("q=%F0%9F", [("?q", "wrong_format")]),
        ("q=%ed%a0%80", [("?q", "wrong_format")]),
        ("q=100%", [("?q", "wrong_format")]),
        ("q=%u0041", [("?q", "wrong_format")]),
        ("%ff=1", [("?", "wrong_format")]),
        (b"q=\xff", [("?q", "wrong_format")]),
        ("since=yesterday", [("?since", "wrong_format")]),
        ("since=2026-11-22T21:14:00+01:00", [("?since", "wrong_format")]),
        ("since=2026-02-30T00:00:00Z", [("?since", "out_of_range")]),
        ("of=7", [("?of", "wrong_format")]),
        ("kind=c", [("?kind", "not_allowed")]),
        ("x=1&y=2", [("?x", "unknown"), ("?y", "unknown")]),
        ("limit=0&kind=c", [("?limit", "out_of_range"), ("?kind", "not_allowed")]),
    ],
)
def test_what_is_refused_has_its_place_and_code(query: str | bytes, expected: list[tuple[str, str]]) -> None:
    assert faults(query) == expected


def test_a_long_name_is_not_repeated_whole() -> None:
    assert faults("x" * 5000 + "=1") == [("?" + "x" * 100, "unknown")]


def test_a_fault_has_a_sentence_without_what_was_sent() -> None:
    with pytest.raises(Invalid) as caught:
        read_query(b"kind=secret", Filters)
    assert caught.value.faults == (
        Fault("?kind", "not_allowed", "This value is not allowed here. It must be 'a' or 'b'."),
    )
