"""Which server secret a database belongs to, and the organisation that an empty one begins with."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from app.db.session import Database, StartRefused
from app.db.tables import Installation, Organisation
from app.db.tenancy import ScopedSession
from app.domain.vocabulary import OrganisationKind, Scope
from app.kit.sealing import Secret, load_or_make
from app.services.organisations import make_key, make_organisation, make_site, scope_of

DEMO = "demo"
DEMO_SITE = "brough"


@dataclass(frozen=True)
class Demo:
    """What an empty database is given: an organisation with a site, and a key that is shown once."""

    organisation: str
    site: str
    key: str


def open_secret(database: Database, path: Path) -> Secret:
    """The secret in the file, or a new one for an empty database.

    Raises StartRefused where the secret does not fit the database.
    """
    known = database.read_now(None, _fingerprint)
    if known is not None and not path.exists():
        raise StartRefused(
            f"There is no secret in {path}, and this database was filled with one. Restore the file from a backup: "
            "without it no receipt can be answered again and no stored secret can be opened."
        )
    secret = load_or_make(path)
    if database.write_now(None, lambda session: _remember(session, secret)) != secret.fingerprint():
        raise StartRefused(f"The secret in {path} is not the one that this database was filled with.")
    return secret


def make_demo(session: ScopedSession, now: datetime) -> Demo | None:
    """Makes the organisation `demo` with a site and a key of all scopes, if there is no organisation at all yet."""
    if session.execute(select(Organisation.id).limit(1)).first() is not None:
        return None
    organisation = make_organisation(session, now, name="Demo", kind=OrganisationKind.PROVIDER, code=DEMO)
    organisation.policy = {"board": True}
    session.enter(scope_of(organisation))
    make_site(session, now, code=DEMO_SITE, name="Brough", service_type="8")
    made = make_key(session, now, scopes=tuple(Scope), system="demo")
    return Demo(DEMO, DEMO_SITE, made.key)


def _fingerprint(session: ScopedSession) -> str | None:
    found = session.get(Installation, 1)
    return found.secret_fingerprint if found else None


def _remember(session: ScopedSession, secret: Secret) -> str:
    """The fingerprint that the database knows, from now on this one if it knew none."""
    found = session.get(Installation, 1)
    if found is None:
        found = Installation(id=1, secret_fingerprint=secret.fingerprint())
        session.add(found)
        session.flush()
    return found.secret_fingerprint
