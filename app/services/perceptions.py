"""Answers to the questions about working together: kept as numbers, by group and site, without a name."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.db import statements
from app.db.ledgers import Perception
from app.db.tables import Suggestion
from app.db.tenancy import ScopedSession
from app.domain.days import local_day
from app.domain.errors import NotFound
from app.domain.texts import SiteName
from app.domain.vocabulary import Group
from app.kit.ids import new_random_id
from app.kit.refusals import Fault, Invalid
from app.kit.shapes import Shape
from app.services.context import Context
from app.services.idempotency import Effect
from app.services.sites import find_site

Score = Annotated[int, Field(ge=1, le=5)]


class Answers(Shape):
    """1 to 5 each: working together on changes here leads to better outcomes for people; it has made things better for
    me; it felt fair.
    """

    better_outcomes: Score
    made_better: Score | None = None
    felt_fair: Score | None = None


class PerceptionRequest(
    Shape,
    json_schema_extra={"examples": [{"group": "care_worker", "site": "brough", "answers": {"better_outcomes": 4}}]},
):
    """One person's answers. By receipt, group and site are those of the suggestion and are left out here."""

    group: Group | None = None
    site: SiteName | None = None
    answers: Answers


class PerceptionView(Shape):
    """The id of what was kept."""

    id: UUID


def give_perception(session: ScopedSession, context: Context, wanted: PerceptionRequest) -> Effect:
    """Keeps the answers; by receipt, a later answer for the same suggestion takes the place of the earlier one.

    Raises Invalid for a group that is missing (key) or given (receipt), and for an unknown site.
    """
    group, site_id, made_id = _from_receipt(session, context, wanted) or _from_key(session, wanted)
    row = session.get(Perception, made_id) or Perception(
        organisation_id=statements.organisation_of(session), id=made_id, group=group.value, site_id=site_id
    )
    for name in ("better_outcomes", "made_better", "felt_fair"):
        setattr(row, name, getattr(wanted.answers, name))
    row.given_on = local_day(context.now)
    session.add(row)
    session.flush()
    return Effect(201, (made_id,))


def _from_key(session: ScopedSession, wanted: PerceptionRequest) -> tuple[Group, UUID | None, UUID]:
    if wanted.group is None:
        raise Invalid(Fault("/group", "missing", "Say which group the person belongs to."))
    site_id = find_site(session, wanted.site, "/site") if wanted.site else None
    return wanted.group, site_id, new_random_id()


def _from_receipt(
    session: ScopedSession, context: Context, wanted: PerceptionRequest
) -> tuple[Group, UUID | None, UUID] | None:
    """Of an author the group is known and, where it may be shown, the site. The id tells nothing of the receipt."""
    if context.caller.suggestion_id is None:
        return None
    given = [name for name in ("group", "site") if getattr(wanted, name) is not None]
    if given:
        words = "With a receipt this is known already. Leave it out."
        raise Invalid(*(Fault(f"/{name}", "not_allowed", words) for name in given))
    row = session.get(Suggestion, context.caller.suggestion_id, with_for_update=True)  # of two at once, one is later
    if row is None:
        raise NotFound
    made = context.secret.derive("perception", row.organisation_id.bytes, row.id.bytes)[:16]
    return Group(row.group), None if row.generalised else row.site_id, UUID(bytes=made, version=4)
