"""The organisation of a caller: what it is called, and the policy that it has set."""

from uuid import UUID

from app.db import statements
from app.db.tables import Organisation
from app.db.tenancy import ScopedSession
from app.domain.errors import NotFound
from app.domain.policy import OrganisationPatch, Policy, PolicyPatch, patched
from app.domain.vocabulary import Nation, OrganisationKind
from app.kit.shapes import Shape
from app.services.cases import forget_rules
from app.services.idempotency import Effect
from app.services.suggestions import ANY_VERSION, Condition


class OrganisationView(Shape):
    """An organisation, with the policy that is in force."""

    id: UUID
    code: str
    name: str
    kind: OrganisationKind
    nation: Nation
    policy: Policy


def find_own(session: ScopedSession, *, locked: bool = False) -> Organisation:
    """The session's organisation."""
    found = session.get(Organisation, statements.organisation_of(session), with_for_update=locked or None)
    if found is None:
        raise NotFound
    return found


def show_organisation(row: Organisation) -> OrganisationView:
    """The organisation as the API shows it."""
    return OrganisationView(
        id=row.id,
        code=row.code,
        name=row.name,
        kind=OrganisationKind(row.kind),
        nation=Nation(row.nation),
        policy=Policy.model_validate(row.policy),
    )


def change_organisation(session: ScopedSession, patch: OrganisationPatch, condition: Condition = ANY_VERSION) -> Effect:
    """Changes name, kind, nation or policy. Raises VersionMismatch."""
    row = find_own(session, locked=True)
    condition.check(row.version)
    changes = patch.model_dump(mode="json", exclude_unset=True, exclude={"policy"})
    for name, value in changes.items():
        setattr(row, name, value)
    if "policy" in patch.model_fields_set:
        row.policy = patched(row.policy, patch.policy if isinstance(patch.policy, PolicyPatch) else None)
    row.version += 1
    session.flush()
    forget_rules(session)
    return Effect(200, (row.id,))
