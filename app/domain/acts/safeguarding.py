"""Acts that take a suggestion out of sight because somebody may be at risk, and the ways on from there."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.domain.case import Case, Span
from app.domain.lifecycle import Act, Moment
from app.domain.texts import LongText, MessageToAuthor, Name
from app.domain.vocabulary import Route, Scope, State
from app.kit.shapes import Instant

_ANY = frozenset(State) - {State.HELD, State.REDIRECTED}


class Hold(Act, scope=Scope.READ, leaves=_ANY, enters=State.HELD, event="safeguarding.held", shows="route"):
    """Someone may be at risk. The suggestion vanishes at once from lists, counts, exports, feeds and webhooks, and only
    keys with the scope `safeguard` see it until it is cleared or redirected.
    """

    route: Route
    why: Annotated[LongText, Field(examples=["Someone may be at risk on these calls."])]

    def apply(self, case: Case, at: Moment) -> Case:
        """Remembers the state to which `clear` leads back, and stops the clocks."""
        return replace(case, held_from=case.state, held=(*case.held, Span(at.now)))


class Clear(Act, scope=Scope.SAFEGUARD, leaves=State.HELD, enters=_ANY, event="safeguarding.cleared", shows=()):
    """Nobody is at risk: the suggestion goes back to the state in which it was held, and is visible again."""

    why: Annotated[LongText, Field(examples=["Looked into, nobody is at risk."])]

    def others(self, case: Case) -> tuple[UUID, ...]:
        """The suggestion in which it lives on: reports that were kept meanwhile count there."""
        return (case.merged_into,) if case.merged_into else ()

    def apply(self, case: Case, at: Moment) -> Case:
        """Back to where it came from; the clocks go on."""
        return replace(case, state=case.held_from or State.SUBMITTED, held_from=None, held=ended(case.held, at.now))


class Redirect(
    Act,
    scope=(Scope.SAFEGUARD, Scope.REVIEW),
    leaves=(State.SUBMITTED, State.HELD, State.ACKNOWLEDGED),
    enters=State.REDIRECTED,
    event="safeguarding.redirected",
    shows=("route", "handed_over_at"),
):
    """It belongs to another procedure and was handed over by a human to a human. This is an end of the suggestion here;
    its author is told where it went.
    """

    route: Route
    handed_to: Annotated[Name, Field(examples=["Adult safeguarding duty desk"])]
    handed_over_at: Instant
    message: MessageToAuthor

    def others(self, case: Case) -> tuple[UUID, ...]:
        """What was merged into it is set free."""
        return tuple(one.id for one in case.merged)

    def apply(self, case: Case, at: Moment) -> Case:
        """Ends the time in which it was held, and a question that nobody can answer any more."""
        return replace(
            case,
            held_from=None,
            held=ended(case.held, at.now),
            question=None,
            asked_from=None,
            asked=ended(case.asked, at.now),
        )


def ended(spans: tuple[Span, ...], until: datetime) -> tuple[Span, ...]:
    """The spans, the last of them ended if it was open."""
    if not spans or spans[-1].until is not None:
        return spans
    return (*spans[:-1], replace(spans[-1], until=until))
