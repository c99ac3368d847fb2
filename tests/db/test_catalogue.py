"""What the database itself says of its tables: the organisation leads every key."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Inspector, inspect

from app.db.database_url import read_url
from app.db.migrate import migrating
from app.db.tables import Base
from app.db.tenancy import OPEN_TABLES, TENANT_TABLES


@pytest.fixture
def catalogue(database_url: str) -> Iterator[Inspector]:
    with migrating(read_url(database_url)) as connection:
        yield inspect(connection)


def test_every_table_is_inside_the_tenancy_or_named_as_outside(catalogue: Inspector) -> None:
    assert set(catalogue.get_table_names()) == TENANT_TABLES | OPEN_TABLES | {"alembic_version"}
    assert {"agenda", "credentials", "installation", "organisations"} == OPEN_TABLES


@pytest.mark.parametrize("table", sorted(TENANT_TABLES))
def test_the_organisation_leads_every_key(catalogue: Inspector, table: str) -> None:
    keys: dict[str, list[str | None]] = {"primary key": [*catalogue.get_pk_constraint(table)["constrained_columns"]]}
    keys |= {str(key["name"]): [*key["column_names"]] for key in catalogue.get_unique_constraints(table)}
    keys |= {str(index["name"]): index["column_names"] for index in catalogue.get_indexes(table)}
    keys |= {str(key["name"]): [*key["constrained_columns"]] for key in catalogue.get_foreign_keys(table)}
    assert {name: columns[0] for name, columns in keys.items()} == dict.fromkeys(keys, "organisation_id")


@pytest.mark.parametrize("table", sorted(TENANT_TABLES))
def test_a_foreign_key_leads_into_the_same_organisation(catalogue: Inspector, table: str) -> None:
    targets = [(key["referred_table"], key["referred_columns"][0]) for key in catalogue.get_foreign_keys(table)]
    assert ("organisations", "id") in targets
    assert {column for target, column in targets if target != "organisations"} <= {"organisation_id"}


@pytest.mark.parametrize("table", sorted(TENANT_TABLES))
def test_no_row_is_without_an_organisation(catalogue: Inspector, table: str) -> None:
    nullable = {column["name"]: column["nullable"] for column in catalogue.get_columns(table)}
    assert nullable["organisation_id"] is False


def test_relationships_cannot_move_a_row_to_another_organisation() -> None:
    relationships = [relationship for mapper in Base.registry.mappers for relationship in mapper.relationships]
    assert [str(relationship) for relationship in relationships if not relationship.viewonly] == []
