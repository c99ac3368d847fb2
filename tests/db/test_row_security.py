"""The second lock: what a query planted without any filter of ours sees, and what stops the start."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import ProgrammingError

from app.db import row_security
from app.db.database_url import read_url
from app.db.failures import StartRefused
from app.db.migrate import bring_up_to_date, migrating
from app.db.row_security import OPENING, ROLE, check_start, make_role
from app.db.session import Database, TenantScope, open_database
from app.db.tables import Site
from app.db.tenancy import OPEN_TABLES, TENANT_TABLES
from tests.conftest import make_organisation
from tests.databases import Databases, database_of
from tests.db.rows import put, row, table_of


@pytest.fixture(params=["postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def connection(database: Database, database_url: str, organisation: UUID, stranger: UUID) -> Iterator[Connection]:
    """One on which nothing of ours looks at the statements; both organisations have a site."""
    for organisation_id in (organisation, stranger):
        database.write_now(TenantScope(organisation_id), lambda session: put(session, Site))
    with migrating(read_url(database_url)) as made:
        yield made


@pytest.fixture
def owner(fresh_database_url: str) -> Iterator[Connection]:
    """The tables' owner on a database that may be spoilt."""
    with migrating(read_url(fresh_database_url)) as made:
        yield made


def open_as(connection: Connection, organisation_id: UUID | None) -> None:
    connection.execute(OPENING, {"organisation": str(organisation_id or "")})


@pytest.mark.parametrize("table", sorted(TENANT_TABLES))
def test_a_planted_query_sees_nothing_without_an_organisation(connection: Connection, table: str) -> None:
    open_as(connection, None)
    assert connection.exec_driver_sql(f"select * from {table}").all() == []  # noqa: S608


def test_a_planted_query_sees_its_organisation_only(connection: Connection, organisation: UUID) -> None:
    planted = text("select distinct organisation_id from sites union all select s.organisation_id from sites s")
    open_as(connection, organisation)
    assert set(connection.scalars(planted)) == {organisation}


def test_a_planted_change_reaches_its_organisation_only(
    connection: Connection, organisation: UUID, stranger: UUID
) -> None:
    open_as(connection, organisation)
    assert connection.exec_driver_sql("update sites set name = 'x'").rowcount == 1
    assert connection.execute(text("delete from sites where organisation_id = :o"), {"o": stranger}).rowcount == 0
    with pytest.raises(ProgrammingError, match="row-level security"):
        connection.execute(insert(table_of(Site)), row(Site, organisation_id=stranger))


def test_an_organisation_ends_with_its_transaction(connection: Connection, organisation: UUID) -> None:
    open_as(connection, organisation)
    assert connection.exec_driver_sql("select count(*) from sites").scalar_one() == 1
    connection.rollback()
    connection.exec_driver_sql(f"set local role {ROLE}")
    assert connection.exec_driver_sql("select count(*) from sites").scalar_one() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "alter table sites disable row level security",
        "drop policy organisation on sites",
        "drop table sites",
        "create table mine (id int)",
        "update alembic_version set version_num = 'x'",
    ],
)
def test_the_role_owns_nothing(connection: Connection, statement: str) -> None:
    open_as(connection, None)
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        connection.exec_driver_sql(statement)


def test_the_check_is_content_with_a_migrated_database(owner: Connection) -> None:
    open_as(owner, None)
    check_start(owner, TENANT_TABLES, OPEN_TABLES)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ("alter table sites disable row level security", "policies do not hold on sites"),
        ("create policy more on sites using (true)", "the policy more of sites is another one"),
        (
            "drop policy organisation on sites; create policy organisation on sites using (true)",
            "the policy organisation of sites is another one",
        ),
        ("create table new (organisation_id uuid)", "new has an organisation and no policies"),
        ("create view every as select * from sites", "the view every is not security_invoker"),
        ("revoke delete on labels from heardback_app", "the role may not write labels"),
        ("drop table attempts", "there is no table attempts"),
        (f"create table theirs (id int); alter table theirs owner to {ROLE}", f"the role {ROLE} owns tables"),
    ],
)
def test_the_start_is_refused_where_the_lock_does_not_hold(
    owner: Connection, fresh_database_url: str, spoil: str, sentence: str
) -> None:
    if "owner to" in spoil:
        owner.exec_driver_sql(f"grant create on schema public to {ROLE}")
    owner.exec_driver_sql(spoil)
    owner.commit()
    with pytest.raises(StartRefused, match=sentence):
        open_database(fresh_database_url)


def test_the_start_is_refused_as_another_role(owner: Connection) -> None:
    with pytest.raises(StartRefused, match=f"transactions run as postgres instead of {ROLE}; .* not held by policies"):
        check_start(owner, TENANT_TABLES, OPEN_TABLES)


def test_rows_without_an_organisation_would_be_noticed(database: Database, owner: Connection) -> None:
    """The check itself looks at rows, too: whatever the catalogue says, nothing may be seen."""
    organisation_id = uuid4()
    owner.execute(
        text("insert into organisations values (:id, 'x', 'x', 'x', 'x', '{}', 1, 0, now())"), {"id": organisation_id}
    )
    owner.execute(insert(table_of(Site)), row(Site, organisation_id=organisation_id))
    owner.exec_driver_sql("drop policy organisation on sites")
    owner.exec_driver_sql(
        "create policy organisation on sites using (current_setting('heardback.organisation', true) is not null) "
        "with check (current_setting('heardback.organisation', true) is not null)"
    )
    open_as(owner, None)
    with pytest.raises(StartRefused, match="rows of sites are visible without an organisation"):
        check_start(owner, TENANT_TABLES, OPEN_TABLES)


# ── an owner who is no administrator ──


@pytest.fixture
def plain_owner(databases: Databases) -> Iterator[tuple[str, str]]:
    """The address of an empty database whose owner may do nothing else, and the owner's name."""
    server, name = databases.server(), f"owner_{uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create role {name} login".encode())
        connection.execute(f"create database {name} owner {name}".encode())
    yield database_of(server, name).replace("//postgres:@", f"//{name}@"), name
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())
        connection.execute(f"drop role {name}".encode())


def test_an_owner_who_may_not_take_the_role_is_told_what_to_run(
    databases: Databases, database: Database, plain_owner: tuple[str, str]
) -> None:
    url, name = plain_owner
    with pytest.raises(StartRefused, match="Run this once as an administrator") as raised:
        bring_up_to_date(url)
    grant = str(raised.value).split("; ")[1].removesuffix(";")
    assert grant == f"GRANT {ROLE} TO {name} WITH SET TRUE, INHERIT FALSE"
    with psycopg.connect(databases.server(), autocommit=True) as connection:
        connection.execute(grant.encode())
    assert bring_up_to_date(url) is True
    made = open_database(url)
    scope = TenantScope(make_organisation(made))
    made.write_now(scope, lambda session: put(session, Site))
    made.close()


def test_an_owner_who_may_make_roles_needs_nobody(
    databases: Databases, plain_owner: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, name = plain_owner
    monkeypatch.setattr(row_security, "ROLE", f"{name}_app")
    with migrating(read_url(url)) as connection:
        with pytest.raises(StartRefused, match=f"CREATE ROLE {name}_app NOLOGIN"):
            make_role(connection)
        connection.rollback()
        with psycopg.connect(databases.server(), autocommit=True) as administrator:
            administrator.execute(f"alter role {name} createrole".encode())
        make_role(connection)
        connection.exec_driver_sql(f"set local role {name}_app")
        connection.rollback()
