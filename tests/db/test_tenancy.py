"""One filter on everything: what a session sees, however it asks, with a stranger beside it who has the same ids."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import (
    Executable,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.orm import aliased

from app.db.session import Database, ScopedSession, TenantScope
from app.db.tables import Agenda, ApiKey, Event, Idempotency, Label, Organisation, Report, Site, Suggestion
from app.db.tenancy import OPEN_TABLES, TENANT_TABLES, NoOrganisation, seen
from app.db.tenancy_guard import OutsideTenancy
from tests.conftest import make_organisation
from tests.db.rows import id_of, put, row, table_of

BROUGH, KIRKBY = id_of(1), id_of(2)
SUGGESTIONS: dict[str, dict[str, object]] = {
    "brough": {"site_id": BROUGH},
    "kirkby": {"site_id": KIRKBY},
    "no site": {},
    "held": {"site_id": BROUGH, "hidden": "held"},
    "generalised": {"site_id": BROUGH, "generalised": True},
}
IDS = {title: id_of(number) for number, title in enumerate(SUGGESTIONS, start=11)}
_suggestions = table_of(Suggestion)
_events = table_of(Event)
_sites = table_of(Site)


def fill(session: ScopedSession) -> None:
    """The same rows with the same ids for whichever organisation the session is of."""
    for site, code in ((BROUGH, "brough"), (KIRKBY, "kirkby")):
        put(session, Site, id=site, code=code)
    for title, columns in SUGGESTIONS.items():
        same = IDS[title]
        put(session, Suggestion, id=same, title=title, **columns)
        put(session, Event, id=same, suggestion_id=same, type=title)
        put(session, Label, suggestion_id=same, kind="tag", value=title)
        put(session, Report, id=same, suggestion_id=same, type=title)
    put(session, Event, id=id_of(16), type="about nothing")
    put(session, Report, id=id_of(16), type="about nothing")


@pytest.fixture
def filled(database: Database, organisation: UUID, stranger: UUID) -> Database:
    for organisation_id in (organisation, stranger):
        database.write_now(TenantScope(organisation_id), fill)
    return database


# ── what a scope sees ──

Scoped = Callable[[UUID], TenantScope]
SCOPES: dict[str, tuple[Scoped, set[str]]] = {
    "all sites": (TenantScope, {"brough", "kirkby", "no site", "generalised"}),
    "all sites and what is hidden": (lambda o: TenantScope(o, sees_hidden=True), set(SUGGESTIONS)),
    "one site": (lambda o: TenantScope(o, frozenset({BROUGH})), {"brough"}),
    "two sites": (lambda o: TenantScope(o, frozenset({BROUGH, KIRKBY})), {"brough", "kirkby"}),
    "one site and what is hidden": (
        lambda o: TenantScope(o, frozenset({BROUGH}), sees_hidden=True),
        {"brough", "held"},
    ),
    "no site": (lambda o: TenantScope(o, frozenset()), set()),
}


@pytest.fixture(params=SCOPES)
def sight(request: pytest.FixtureRequest, organisation: UUID) -> tuple[TenantScope, set[str]]:
    """A scope, and the titles that it sees."""
    made, titles = SCOPES[request.param]
    return made(organisation), titles


def titles_by_subquery(session: ScopedSession) -> Iterable[str | None]:
    inner = select(Suggestion.title).subquery()
    return session.scalars(select(inner.c.title))


def titles_by_cte(session: ScopedSession) -> Iterable[str | None]:
    inner = select(Suggestion).cte("some")
    return session.scalars(select(aliased(Suggestion, inner).title))


def titles_by_two_ctes(session: ScopedSession) -> Iterable[str | None]:
    first = select(Suggestion.id).cte("first")
    second = select(first.c.id).where(first.c.id.in_(select(Suggestion.id))).cte("second")
    return session.scalars(select(Suggestion.title).join(second, second.c.id == Suggestion.id))


def titles_by_scalar_subquery(session: ScopedSession) -> Iterable[str | None]:
    other = aliased(Suggestion)
    its_title = select(other.title).where(other.id == Event.id).scalar_subquery()
    return [title for title in session.scalars(select(its_title).select_from(Event)) if title]


def titles_by_count(session: ScopedSession) -> Iterable[str | None]:
    """Counts may leak as rows do: as many as there are, one by one."""
    return [
        title
        for title in SUGGESTIONS
        if session.scalar(select(func.count()).select_from(Suggestion).where(Suggestion.title == title))
    ]


def titles_by_count_of_subquery(session: ScopedSession) -> Iterable[str | None]:
    found = []
    for title in SUGGESTIONS:
        inner = select(Suggestion.id).where(Suggestion.title == title).subquery()
        if session.scalar(select(func.count()).select_from(inner)):
            found.append(title)
    return found


def titles_by_exists(session: ScopedSession) -> Iterable[str | None]:
    return [
        title
        for title in SUGGESTIONS
        if session.scalar(select(select(Suggestion.id).where(Suggestion.title == title).exists()))
    ]


def titles_by_get(session: ScopedSession) -> Iterable[str | None]:
    return [found.title for its_id in IDS.values() if (found := session.get(Suggestion, its_id))]


def titles_by_get_to_change(session: ScopedSession) -> Iterable[str | None]:
    found = (session.get(Suggestion, its_id, with_for_update=True) for its_id in IDS.values())
    return [suggestion.title for suggestion in found if suggestion]


def titles_by_refresh(session: ScopedSession) -> Iterable[str | None]:
    found = list(session.scalars(select(Suggestion)))
    for suggestion in found:
        session.refresh(suggestion)
    return [suggestion.title for suggestion in found]


def titles_by_update(session: ScopedSession) -> Iterable[str | None]:
    return session.scalars(update(Suggestion).values(version=99).returning(Suggestion.title))


def titles_by_update_of_one(session: ScopedSession) -> Iterable[str | None]:
    changed = []
    for title in SUGGESTIONS:
        statement = update(Suggestion).where(Suggestion.title == title).values(version=98)
        if session.execute(statement).rowcount:  # type: ignore[attr-defined]
            changed.append(title)
    return changed


def titles_by_core(session: ScopedSession) -> Iterable[str | None]:
    assert session.scope
    return session.scalars(select(_suggestions.c.title).where(seen(session.scope, _suggestions.c)))


def titles_by_window(session: ScopedSession) -> Iterable[str | None]:
    ranked = select(Suggestion.title, func.row_number().over(order_by=Suggestion.seq).label("n")).subquery()
    return session.scalars(select(ranked.c.title))


WAYS: dict[str, Callable[[ScopedSession], Iterable[str | None]]] = {
    "entity": lambda session: [found.title for found in session.scalars(select(Suggestion))],
    "column": lambda session: session.scalars(select(Suggestion.title)),
    "two columns": lambda session: [title for title, _ in session.execute(select(Suggestion.title, Suggestion.id))],
    "alias": lambda session: session.scalars(select(aliased(Suggestion).title)),
    "query": lambda session: [found.title for found in session.query(Suggestion)],
    "subquery": titles_by_subquery,
    "common table expression": titles_by_cte,
    "two common table expressions": titles_by_two_ctes,
    "scalar subquery": titles_by_scalar_subquery,
    "in subquery": lambda session: session.scalars(
        select(Suggestion.title).where(Suggestion.id.in_(select(aliased(Suggestion).id)))
    ),
    "count": titles_by_count,
    "count of a subquery": titles_by_count_of_subquery,
    "exists": titles_by_exists,
    "join": lambda session: session.scalars(
        select(Event.type).join(Suggestion, and_(Suggestion.id == Event.suggestion_id))
    ),
    "join to an alias": lambda session: session.scalars(
        select((other := aliased(Suggestion)).title).join(Event, Event.suggestion_id == other.id)
    ),
    "outer join": lambda session: [
        title
        for title in session.scalars(
            select(Suggestion.title).select_from(Event).outerjoin(Suggestion, Suggestion.id == Event.suggestion_id)
        )
        if title
    ],
    "two tables": lambda session: session.scalars(
        select(Suggestion.title).where(
            Suggestion.id == Report.suggestion_id, Report.suggestion_id == Label.suggestion_id
        )
    ),
    "union": lambda session: session.scalars(
        union_all(
            select(Suggestion.title).where(Suggestion.title <= "held"),
            select(Suggestion.title).where(Suggestion.title > "held"),
        )
    ),
    "union as a subquery": lambda session: session.scalars(
        select(
            union_all(
                select(Suggestion.title).where(Suggestion.title <= "held"),
                select(Suggestion.title).where(Suggestion.title > "held"),
            ).subquery()
        )
    ),
    "group": lambda session: session.scalars(select(Suggestion.title).group_by(Suggestion.title)),
    "window": titles_by_window,
    "distinct": lambda session: session.scalars(select(Suggestion.title).distinct()),
    "for update": lambda session: session.scalars(select(Suggestion.title).order_by(Suggestion.id).with_for_update()),
    "from its rows": lambda session: session.scalars(select(Label.value)),
    "get": titles_by_get,
    "get to change": titles_by_get_to_change,
    "refresh": titles_by_refresh,
    "update": titles_by_update,
    "update of one": titles_by_update_of_one,
    "delete of its rows": lambda session: session.scalars(delete(Label).returning(Label.value)),
    "a prepared statement": titles_by_core,
}


class Undo(Exception):  # noqa: N818 -- no error
    """Carries a result out of work that is not to be kept."""


def tried(database: Database, scope: TenantScope | None, work: Callable[[ScopedSession], Any]) -> Any:  # noqa: ANN401
    """What the work returns; nothing of it is stored."""

    def undone(session: ScopedSession) -> None:
        raise Undo(work(session))

    with pytest.raises(Undo) as raised:
        database.write_now(scope, undone)
    return raised.value.args[0]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_asking_sees_the_same(filled: Database, sight: tuple[TenantScope, set[str]], way: str) -> None:
    scope, titles = sight
    assert sorted(tried(filled, scope, lambda session: list(WAYS[way](session)))) == sorted(titles)


@pytest.mark.parametrize("model", [Event, Report])
def test_a_row_about_no_suggestion_is_seen_where_no_site_limits(
    filled: Database, sight: tuple[TenantScope, set[str]], model: type[Event | Report]
) -> None:
    scope, titles = sight
    also = {"about nothing"} if scope.sites is None else set()
    assert set(filled.read_now(scope, lambda session: list(session.scalars(select(model.type))))) == titles | also


def test_the_second_organisation_is_not_given_the_sites_of_the_first(
    filled: Database, organisation: UUID, stranger: UUID
) -> None:
    def count(session: ScopedSession) -> int | None:
        return session.scalar(select(func.count()).select_from(Suggestion))

    seen_by_each = [
        filled.read_now(TenantScope(organisation_id, sites), count)
        for organisation_id, sites in [
            (organisation, frozenset({BROUGH})),
            (stranger, frozenset({BROUGH, KIRKBY})),
            (organisation, None),
            (stranger, frozenset()),
        ]
    ]
    assert seen_by_each == [1, 2, 4, 0]


def test_what_was_loaded_before_is_not_seen_under_another_scope(
    filled: Database, organisation: UUID, stranger: UUID
) -> None:
    def work(session: ScopedSession) -> list[str]:
        session.enter(TenantScope(organisation, sees_hidden=True))
        assert session.get(Suggestion, IDS["held"])
        session.enter(TenantScope(stranger))
        first = session.get(Suggestion, IDS["held"])
        second = session.get(Suggestion, IDS["brough"])
        assert second is not None
        return [str(first), str(second.organisation_id)]

    assert filled.read_now(None, work) == ["None", str(stranger)]


def test_a_loop_enters_one_organisation_after_the_other(filled: Database, organisation: UUID, stranger: UUID) -> None:
    def work(session: ScopedSession) -> dict[UUID, int]:
        for organisation_id in (organisation, stranger):
            session.enter(TenantScope(organisation_id))
            suggestion = session.get(Suggestion, IDS["brough"])
            assert suggestion
            suggestion.version = 7 if organisation_id == organisation else 8
        session.flush()
        found = {}
        for organisation_id in (organisation, stranger):
            session.enter(TenantScope(organisation_id))
            found[organisation_id] = session.scalars(
                select(Suggestion.version).where(Suggestion.title == "brough")
            ).one()
        return found

    assert filled.write_now(None, work) == {organisation: 7, stranger: 8}


def test_rules_see_the_whole_organisation(filled: Database, organisation: UUID) -> None:
    def work(session: ScopedSession) -> list[set[str | None]]:
        before = set(session.scalars(select(Suggestion.title)))
        with session.for_rules():
            meanwhile = set(session.scalars(select(Suggestion.title)))
        return [before, meanwhile, set(session.scalars(select(Suggestion.title)))]

    limited = TenantScope(organisation, frozenset({KIRKBY}))
    assert filled.read_now(limited, work) == [{"kirkby"}, set(SUGGESTIONS), {"kirkby"}]


# ── what is refused, whoever writes it ──


def values(model: type[Any], organisation_id: UUID, **given: object) -> dict[str, Any]:
    return row(model, organisation_id=organisation_id, **given)


Attempt = Callable[[ScopedSession, UUID], object]


def flush(session: ScopedSession, thing: object) -> None:
    session.add(thing)
    session.flush()


def move(session: ScopedSession, stranger: UUID) -> None:
    site = session.get(Site, KIRKBY)
    assert site
    site.organisation_id = stranger
    session.flush()


REFUSED: dict[str, Attempt] = {
    "a table": lambda session, _: session.execute(select(_suggestions)),
    "a column of a table": lambda session, _: session.execute(select(_suggestions.c.title)),
    "an alias of a table": lambda session, _: session.execute(select(_suggestions.alias("s"))),
    "a count of a table": lambda session, _: session.execute(select(func.count()).select_from(_suggestions)),
    "a table, another organisation named": lambda session, stranger: session.execute(
        select(_suggestions).where(_suggestions.c.organisation_id == stranger)
    ),
    "a table, another organisation by a parameter's other name": lambda session, stranger: session.execute(
        select(_suggestions).where(_suggestions.c.organisation_id == bindparam("whose")), {"whose": stranger}
    ),
    "an entity and a table": lambda session, _: session.execute(
        select(Suggestion.title, _events.c.type).where(_events.c.id == Suggestion.id)
    ),
    "a join to a table": lambda session, _: session.execute(
        select(Suggestion.title).join(_events, _events.c.suggestion_id == Suggestion.id)
    ),
    "exists in a table": lambda session, _: session.execute(
        select(Suggestion.title).where(exists().where(_events.c.suggestion_id == Suggestion.id))
    ),
    "exists without an entity": lambda session, _: session.execute(select(exists().where(Suggestion.id == BROUGH))),
    "in a table": lambda session, _: session.execute(
        select(Suggestion.title).where(Suggestion.id.in_(select(_events.c.suggestion_id)))
    ),
    "a common table expression of a table": lambda session, _: session.execute(
        select(select(_suggestions.c.title).cte("some").c.title)
    ),
    "a union with a table": lambda session, _: session.execute(
        union_all(select(Suggestion.title), select(_suggestions.c.title))
    ),
    "one table of two": lambda session, _: session.execute(
        select(_events.c.type).where(_events.c.id == _suggestions.c.id, own(session, _events))
    ),
    "organisations compared with each other": lambda session, _: session.execute(
        select(_events.c.type).where(
            _events.c.organisation_id == _suggestions.c.organisation_id, own(session, _suggestions)
        )
    ),
    "text": lambda session, _: session.execute(text("select title from suggestions")),
    "text in capitals": lambda session, _: session.execute(text('SELECT title FROM "suggestions"')),
    "text with a name for the table": lambda session, _: session.execute(text("select s.title from suggestions s")),
    "text with an organisation of no table": lambda session, stranger: session.execute(
        text("select title from suggestions where organisation_id = :o"), {"o": stranger.hex}
    ),
    "text with another organisation": lambda session, stranger: session.execute(
        text("select title from suggestions where suggestions.organisation_id = :o").bindparams(
            bindparam("o", type_=_suggestions.c.organisation_id.type)
        ),
        {"o": stranger},
    ),
    "the driver's own SQL": lambda session, _: session.connection().exec_driver_sql("select title from suggestions"),
    "an insert for another organisation": lambda session, stranger: session.execute(
        insert(_sites), values(Site, stranger)
    ),
    "an insert of several, one for another organisation": lambda session, stranger: session.execute(
        insert(_sites), [values(Site, own_id(session)), values(Site, stranger)]
    ),
    "an insert of several values, one for another organisation": lambda session, stranger: session.execute(
        insert(_sites).values([values(Site, own_id(session)), values(Site, stranger)])
    ),
    "an insert by entity for another organisation": lambda session, stranger: session.execute(
        insert(Site), [values(Site, stranger)]
    ),
    "an insert without an organisation": lambda session, _: session.execute(
        text("INSERT INTO sites (code) VALUES (:code)"), {"code": "brough"}
    ),
    "an insert from a select": lambda session, _: session.execute(
        insert(_sites).from_select([c.name for c in _sites.c], select(_sites))
    ),
    "an insert from a select of a table outside": lambda session, _: session.execute(
        insert(table_of(Idempotency)).from_select(
            ["organisation_id", "system"], select(table_of(Organisation).c.id, literal("app"))
        )
    ),
    "a flush of a new row of another organisation": lambda session, stranger: flush(
        session, Site(**values(Site, stranger))
    ),
    "a flush of a row that moves to another organisation": move,
    "a merge of another organisation's row": lambda session, stranger: flush(
        session, session.merge(Site(**values(Site, stranger)))
    ),
    "an update of a table": lambda session, _: session.execute(update(_sites).values(name="x")),
    "an update of another organisation's": lambda session, stranger: session.execute(
        update(_sites).where(_sites.c.organisation_id == stranger).values(name="x")
    ),
    "an update to another organisation": lambda session, stranger: session.execute(
        update(_sites).where(own(session, _sites)).values(organisation_id=stranger)
    ),
    "an update by entity to another organisation": lambda session, stranger: session.execute(
        update(Site).values(organisation_id=stranger)
    ),
    "an update of several by key": lambda session, stranger: session.execute(
        update(Site), [{"organisation_id": stranger, "id": BROUGH, "name": "x"}]
    ),
    "an update from another table": lambda session, _: session.execute(
        update(_sites).where(own(session, _sites), _sites.c.id == _suggestions.c.site_id).values(name="x")
    ),
    "an update with a subquery of a table": lambda session, _: session.execute(
        update(Site).values(name=select(_suggestions.c.title).limit(1).scalar_subquery())
    ),
    "a delete from a table": lambda session, _: session.execute(delete(table_of(Label))),
    "a delete of another organisation's": lambda session, stranger: session.execute(
        delete(table_of(Label)).where(table_of(Label).c.organisation_id == stranger)
    ),
}


def own_id(session: ScopedSession) -> UUID:
    assert session.scope
    return session.scope.organisation_id


def own(session: ScopedSession, table: Any) -> Any:  # noqa: ANN401
    return table.c.organisation_id == own_id(session)


@pytest.mark.parametrize("attempt", REFUSED)
def test_refused(filled: Database, organisation: UUID, stranger: UUID, attempt: str) -> None:
    with pytest.raises(OutsideTenancy):
        filled.write_now(TenantScope(organisation), lambda session: REFUSED[attempt](session, stranger))


@pytest.mark.parametrize("table", sorted(TENANT_TABLES))
def test_a_session_without_an_organisation_sees_no_table_of_one(database: Database, table: str) -> None:
    model = next(m.class_ for m in Suggestion.registry.mappers if m.class_.__tablename__ == table)
    statements: list[Executable] = [select(model), select(table_of(model)), text(f"select 1 from {table}")]  # noqa: S608
    for statement in statements:
        with pytest.raises(NoOrganisation):
            database.read_now(None, partial(ScopedSession.execute, statement=statement))


def test_a_session_without_an_organisation_gets_nothing_by_its_key(database: Database) -> None:
    with pytest.raises(NoOrganisation):
        database.read_now(None, lambda session: session.get(Suggestion, uuid4()))


def test_the_tables_outside_are_open(database: Database, organisation: UUID) -> None:
    assert sorted(OPEN_TABLES) == ["agenda", "credentials", "installation", "organisations"]
    assert database.read_now(None, lambda session: session.get(Organisation, organisation)) is not None


# ── what is allowed ──

ALLOWED: dict[str, Callable[[ScopedSession], object]] = {
    "a table with its organisation": lambda session: session.execute(
        select(_suggestions).where(own(session, _suggestions))
    ),
    "two tables, each with its organisation": lambda session: session.execute(
        select(_events.c.type)
        .join(_suggestions, and_(_events.c.suggestion_id == _suggestions.c.id, own(session, _suggestions)))
        .where(own(session, _events))
    ),
    "a column that is called like a table": lambda session: put(session, ApiKey, sites=[str(BROUGH)]),
    "a change of a column that is called like a table": lambda session: session.execute(
        update(ApiKey).values(sites=[]).returning(ApiKey.sites)
    ),
    "an insert that gives back a column that is called like a table": lambda session: session.execute(
        insert(ApiKey).values(values(ApiKey, own_id(session))).returning(ApiKey.id, ApiKey.sites)
    ),
    "an insert by entity": lambda session: flush(session, Site(**values(Site, own_id(session)))),
    "several at once": lambda session: session.execute(
        insert(_sites), [values(Site, own_id(session)), values(Site, own_id(session))]
    ),
    "a change of a loaded row": lambda session: flush(session, rename(session)),
    "a table outside beside one inside": lambda session: session.execute(
        select(Suggestion.title, Agenda.kind).join(Agenda, Agenda.subject == Suggestion.id)
    ),
    "rows copied within the organisation": lambda session: session.execute(
        insert(table_of(Label)).from_select(
            ["organisation_id", "suggestion_id", "kind", "value"],
            select(_suggestions.c.organisation_id, _suggestions.c.id, literal("lens"), _suggestions.c.title).where(
                own(session, _suggestions)
            ),
        )
    ),
}


def rename(session: ScopedSession) -> Site:
    site = session.get(Site, BROUGH)
    assert site
    site.name = "Brough"
    return site


@pytest.mark.parametrize("attempt", ALLOWED)
def test_allowed(filled: Database, organisation: UUID, attempt: str) -> None:
    filled.write_now(TenantScope(organisation), ALLOWED[attempt])


def test_a_delete_leaves_the_stranger_alone(filled: Database, organisation: UUID, stranger: UUID) -> None:
    def count(session: ScopedSession) -> int | None:
        return session.scalar(select(func.count()).select_from(Label))

    filled.write_now(TenantScope(organisation, sees_hidden=True), lambda session: session.execute(delete(Label)))
    counts = [
        filled.read_now(TenantScope(organisation_id, sees_hidden=True), count)
        for organisation_id in (organisation, stranger)
    ]
    assert counts == [0, 5]


def test_the_third_organisation_sees_nothing(filled: Database) -> None:
    scope = TenantScope(make_organisation(filled), sees_hidden=True)
    assert tried(filled, scope, lambda session: [list(way(session)) for way in WAYS.values()]) == [[]] * len(WAYS)
