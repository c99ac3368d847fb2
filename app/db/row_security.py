"""Row-level security on PostgreSQL: the second lock behind the tenant scope, with one database address.

The owner of the tables (the user in the address) migrates. Every transaction of the service takes the role
`heardback_app`, which may not log in and owns nothing, so that the policies hold it. They guard against our own
mistakes and not against injected SQL, which could say RESET ROLE.

ENABLE and not FORCE: superusers pass FORCE, too, and under it a data migration of the owner would silently change
no row.
"""

from collections.abc import Collection
from contextlib import suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from app.db.failures import StartRefused

ROLE = "heardback_app"
POLICY = "organisation"
# After a COMMIT the setting is an empty text and not null.
_HERE = "organisation_id = nullif(current_setting('heardback.organisation', true), '')::uuid"
_SETTINGS = (
    f"select set_config('role', '{ROLE}', true), set_config('heardback.organisation', :organisation, true), "
    "set_config('statement_timeout', '5000', true), set_config('lock_timeout', '2000', true), "
    "set_config('idle_in_transaction_session_timeout', '10000', true), "
    # A plan that fits all organisations fits none: full text through a generic plan took a hundred times as long.
    "set_config('plan_cache_mode', 'force_custom_plan', true)"
)
OPENING = text(_SETTINGS)
"""The first statement of each transaction that writes; all of it ends with the transaction. `:organisation` or ''."""
OPENING_TO_READ = text(_SETTINGS + ", set_config('transaction_read_only', 'on', true)")


def make_role(connection: Connection) -> None:
    """Make the role where it is missing, and let it use what is in the schema and what comes later.

    For the first migration. Raises `StartRefused` with the statements for an administrator where the owner may not.
    """
    if not _role_exists(connection):
        _try_as_owner(
            connection, f"create role {ROLE} nologin nosuperuser nocreatedb nocreaterole nobypassrls noinherit"
        )
    if not _may_become_role(connection):  # from PostgreSQL 16 on, who makes a role may not become it by that alone
        _try_as_owner(connection, f"grant {ROLE} to current_user with set true, inherit false")
    if not _may_become_role(connection):
        owner = connection.scalar(text("select quote_ident(current_user)"))
        raise StartRefused(_ASK_AN_ADMINISTRATOR.format(role=ROLE, owner=owner))
    schema = connection.scalar(text("select quote_ident(current_schema())"))
    connection.exec_driver_sql(f"grant usage on schema {schema} to {ROLE}")
    for what, rights in (("tables", "select, insert, update, delete"), ("sequences", "usage")):
        connection.exec_driver_sql(f"alter default privileges in schema {schema} grant {rights} on {what} to {ROLE}")


def drop_privileges(connection: Connection) -> None:
    """Take back what `make_role` gave in this database. The role itself stays, as other databases may use it."""
    schema = connection.scalar(text("select quote_ident(current_schema())"))
    for what in ("tables", "sequences"):
        connection.exec_driver_sql(f"alter default privileges in schema {schema} revoke all on {what} from {ROLE}")
    connection.exec_driver_sql(f"revoke all on schema {schema} from {ROLE}")


def put_policy(connection: Connection, table: str) -> None:
    """Show the rows of the transaction's organisation only, and take no other."""
    connection.exec_driver_sql(f"alter table {table} enable row level security")
    connection.exec_driver_sql(f"create policy {POLICY} on {table} using ({_HERE}) with check ({_HERE})")


def check_start(connection: Connection, tenant_tables: Collection[str], open_tables: Collection[str]) -> None:
    """Refuse to start where the second lock does not hold.

    The connection is in a transaction that began with `OPENING` and without an organisation. Raises `StartRefused` that
    names everything found.
    """
    faults = [*_faults_of_role(connection), *_faults_of_tables(connection, tenant_tables, open_tables)]
    if not faults:  # without an organisation nothing may be seen
        faults = [
            f"rows of {table} are visible without an organisation"
            for table in sorted(tenant_tables)
            if connection.exec_driver_sql(f"select 1 from {table} limit 1").first()  # noqa: S608 -- our own name
        ]
    if faults:
        raise StartRefused("Row-level security does not hold on this database: " + "; ".join(faults) + ".")


def _try_as_owner(connection: Connection, statement: str) -> None:
    """Do it if the owner may. Another database of the same server may also have done it in the meantime."""
    with suppress(ProgrammingError), connection.begin_nested():
        connection.exec_driver_sql(statement)


def _may_become_role(connection: Connection) -> bool:
    """Whether the role is there and the owner may take it."""
    may = text("select pg_has_role(current_user, oid, 'SET') from pg_roles where rolname = :role")
    return bool(connection.scalar(may, {"role": ROLE}))


def _role_exists(connection: Connection) -> bool:
    return bool(connection.scalar(text("select 1 from pg_roles where rolname = :role"), {"role": ROLE}))


_ASK_AN_ADMINISTRATOR = (
    "The database user {owner} may not make or take the role {role}, under which the service works. Run this once as "
    "an administrator of the database server, then start again (leave the first statement out where the role exists): "
    "CREATE ROLE {role} NOLOGIN; GRANT {role} TO {owner} WITH SET TRUE, INHERIT FALSE;"
)


def _faults_of_role(connection: Connection) -> list[str]:
    role = connection.execute(
        text(
            "select rolname, rolsuper or rolbypassrls, rolcanlogin, "
            "exists (select from pg_class where relowner = r.oid) from pg_roles r where rolname = current_user"
        )
    ).one()
    faults = [f"transactions run as {role[0]} instead of {ROLE}"] if role[0] != ROLE else []
    if role[1]:
        faults.append(f"the role {role[0]} is not held by policies")
    if role[2]:
        faults.append(f"the role {role[0]} may log in")
    if role[3]:
        faults.append(f"the role {role[0]} owns tables")
    return faults


def _faults_of_tables(
    connection: Connection, tenant_tables: Collection[str], open_tables: Collection[str]
) -> list[str]:
    names = {"tenant": sorted(tenant_tables), "open": sorted(open_tables), "policy": POLICY}
    found = connection.execute(text(_FAULTS_OF_TABLES), names)
    return list(found.scalars())


_FAULTS_OF_TABLES = """
with here as (select * from pg_class where relnamespace = current_schema()::regnamespace),
     tables as (select * from here where relkind in ('r', 'p')),
     ours as (select unnest(cast(:tenant as text[]) || cast(:open as text[])) as name)
select 'there is no table ' || name from ours where name not in (select relname from tables)
union all
select 'policies do not hold on ' || relname from tables where relname = any(:tenant) and not row_security_active(oid)
union all
select relname || ' has an organisation and no policies' from tables join pg_attribute on attrelid = oid
 where attname = 'organisation_id' and not relrowsecurity and not relname = any(:open)
union all
select 'the role may not write ' || relname from tables join ours on name = relname
 where not (has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert')
        and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete'))
union all
select 'the policy ' || policyname || ' of ' || tablename || ' is another one' from pg_policies
 where schemaname = current_schema() and (permissive <> 'PERMISSIVE' or policyname <> :policy
    or qual not like '%heardback.organisation%' or with_check is distinct from qual)
union all
select 'the view ' || relname || ' is not security_invoker' from here
 where relkind in ('v', 'm') and not coalesce(reloptions @> array['security_invoker=true'], false)
"""
