"""Acts of colleagues: support for a suggestion, what they see of a claim, and the time that was spent."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.domain.case import Case, Confirmation, Supporter
from app.domain.lifecycle import VISIBLE_ALIVE, Act, Moment, named_site
from app.domain.texts import LongText, SiteName
from app.domain.vocabulary import Scope, Seen, State, TimeKind
from app.kit.refusals import Fault, Invalid


class Endorse(
    Act,
    scope=Scope.RAISE,
    leaves=VISIBLE_ALIVE - {State.DECIDED, State.MERGED, State.CLOSED},
    event="suggestion.endorsed",
):
    """A colleague supports the suggestion ("me too"). The same person again is the same support: the answer shows the
    first event, and nothing changes.
    """

    def first_event(self, case: Case, at: Moment) -> UUID | None:
        """The event of this person's first support."""
        return next((one.event_id for one in case.supporters if one.who == at.supporter), None)

    def apply(self, case: Case, at: Moment) -> Case:
        """Counts the person once."""
        return replace(case, supporters=(*case.supporters, Supporter(at.supporter, at.event_id)))


class Confirm(
    Act, scope=Scope.RAISE, leaves=VISIBLE_ALIVE - {State.MERGED}, event="suggestion.confirmed", shows="seen"
):
    """A colleague on the front line says whether the change that was reported can be seen. The last word of each person
    counts. Two or more people who do not see it contradict a claim that it was implemented.
    """

    seen: Seen
    site: Annotated[SiteName, Field(examples=["brough"])] | None = None

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:
        """Only while a report claims that something was implemented."""
        return super().fits(case, now) and case.delivery.claims_done

    def names_sites(self) -> tuple[tuple[str, str], ...]:
        """The site of the confirmation."""
        return (("/site", self.site),) if self.site else ()

    def apply(self, case: Case, at: Moment) -> Case:
        """Replaces this person's earlier word. With several sites, the site must be named."""
        sites = case.committed_sites()
        if self.site is None and len(sites) > 1:
            raise Invalid(Fault("/site", "missing", "This was promised for several sites. Say which of them is meant."))
        site = named_site(at, "/site", self.site) if self.site else None
        if site is not None and sites and site not in sites:
            raise Invalid(Fault("/site", "not_allowed", "The commitment does not name this site."))
        ref = at.actor.ref if at.actor else ""
        kept = tuple(one for one in case.confirmations if one.ref != ref)
        return replace(case, confirmations=(*kept, Confirmation(ref, self.seen, at.now, site)))


class LogTime(
    Act,
    scope=(Scope.RAISE, Scope.REVIEW, Scope.REPORT),
    leaves=VISIBLE_ALIVE,
    event="suggestion.time_logged",
    shows=("minutes", "kind", "paid"),
    by_author=True,
):
    """Records protected time for the suggestion: offered, put on the rota, or used; and whether it was paid. It is
    mostly the author's own time, so of an anonymous author neither a reference nor the hour is kept.
    """

    minutes: Annotated[int, Field(ge=1, le=10080)]
    kind: TimeKind
    paid: bool
    purpose: Annotated[LongText, Field(examples=["Working on the idea with two colleagues."])]
