"""Cursors that cannot be made up, altered or carried over, and pages that stay in step while rows are added."""

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.db.paging import ListView, Position, decode_cursor, encode_cursor, keyset, page_of
from app.db.session import Database, ScopedSession, TenantScope
from app.db.tables import Report
from app.domain.errors import InvalidCursor
from tests.db.rows import NOON, put

KEY = bytes(range(32))
VIEW = ListView(UUID(int=1), "suggestions", "-received_at", {"state": "submitted", "site": "brough"})
POSITION: Position = (1_795_435_200_000, "brough", UUID(int=7), datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC))

places = st.one_of(st.integers(), st.text(), st.uuids(), st.datetimes(timezones=st.just(UTC)))


@given(position=st.lists(places, max_size=4).map(tuple))
def test_a_position_comes_back_as_it_was(position: Position) -> None:
    assert decode_cursor(KEY, VIEW, encode_cursor(KEY, VIEW, position)) == position


def test_a_cursor_needs_no_escaping() -> None:
    assert set(encode_cursor(KEY, VIEW, POSITION)) <= set(string.ascii_letters + string.digits + "-_")


def test_the_order_of_filters_is_no_other_filter() -> None:
    other_order = ListView(VIEW.organisation_id, VIEW.name, VIEW.sort, dict(sorted(VIEW.filters.items())))
    assert decode_cursor(KEY, other_order, encode_cursor(KEY, VIEW, POSITION)) == POSITION


@pytest.mark.parametrize(
    "other",
    [
        replace(VIEW, organisation_id=UUID(int=2)),
        replace(VIEW, name="reports"),
        replace(VIEW, sort="received_at"),
        replace(VIEW, sort=""),
        replace(VIEW, filters={}),
        replace(VIEW, filters={"state": "submitted"}),
        replace(VIEW, filters={"state": "submitted", "site": "kirkby"}),
        replace(VIEW, filters={"state": "brough", "site": "submitted"}),
    ],
)
def test_a_cursor_of_another_list_is_refused(other: ListView) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(KEY, other, encode_cursor(KEY, VIEW, POSITION))


def test_a_cursor_of_another_installation_is_refused() -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(bytes(32), VIEW, encode_cursor(KEY, VIEW, POSITION))


def test_every_alteration_is_refused() -> None:
    cursor = encode_cursor(KEY, VIEW, POSITION)
    altered = {cursor[:-1], cursor + "A", cursor + "=", " " + cursor, cursor + "\n", cursor.upper(), "é" + cursor}
    for index, letter in enumerate(cursor):
        for other in ("A" if letter != "A" else "B", chr(ord(letter) ^ 1), "!", ""):
            altered.add(cursor[:index] + other + cursor[index + 1 :])
    altered.discard(cursor)
    taken = []
    for attempt in altered:
        try:
            taken.append(decode_cursor(KEY, VIEW, attempt))
        except InvalidCursor as refusal:
            assert refusal.code == "invalid_cursor"  # noqa: PT017 -- one of very many
    assert taken == []


@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(KEY, VIEW, text)


@pytest.mark.parametrize("descending", [False, True])
def test_pages_walk_the_whole_list_while_rows_are_added(
    database: Database, organisation: UUID, *, descending: bool
) -> None:
    scope = TenantScope(organisation)
    columns = (Report.received_at, Report.number)

    def fill(session: ScopedSession) -> None:
        for number in range(7):
            put(session, Report, number=number, received_at=NOON + timedelta(hours=number // 3))

    def page(session: ScopedSession, after: Position | None) -> tuple[list[int], Position | None]:
        statement = keyset(select(Report), columns, limit=3, after=after, descending=descending)
        rows, there = page_of(session.scalars(statement).all(), 3, lambda found: (found.received_at, found.number))
        return [found.number for found in rows], there

    database.write_now(scope, fill)
    pages: list[list[int]] = []
    position: Position | None = None
    while True:
        numbers, there = database.read_now(scope, partial(page, after=position))
        pages.append(numbers)
        before = NOON + timedelta(days=1 if descending else -1)
        database.write_now(scope, partial(put, model=Report, number=100 + len(pages), received_at=before))
        if there is None:
            break
        position = decode_cursor(KEY, VIEW, encode_cursor(KEY, VIEW, there))
    assert pages == ([[6, 5, 4], [3, 2, 1], [0]] if descending else [[0, 1, 2], [3, 4, 5], [6]])


@pytest.mark.parametrize(("rows", "expected"), [(0, None), (2, None), (3, None), (4, (2,))])
def test_the_last_page_says_so(rows: int, expected: Position | None) -> None:
    found, there = page_of(list(range(rows)), 3, lambda number: (number,))
    assert (list(found), there) == (list(range(min(rows, 3))), expected)
