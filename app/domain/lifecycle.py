"""What an act is, and which acts fit a case. The acts themselves are the state table.

An act is one class: its fields are the request body, its docstring the text of the API, its class arguments the row of
the state table. Route, operation id, `allowed_acts`, refusals, the diagram and the tests' table are derived from it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias, TypeVar, Unpack
from uuid import UUID

from pydantic import ConfigDict, JsonValue

from app.domain.case import Case
from app.domain.errors import ActNotAllowed
from app.domain.policy import Rules
from app.domain.texts import Actor
from app.domain.vocabulary import Scope, State
from app.kit.refusals import Fault, Invalid
from app.kit.shapes import Shape

T = TypeVar("T")
OneOrMore: TypeAlias = T | tuple[T, ...]

ENDS = frozenset({State.REDIRECTED, State.WITHDRAWN})
VISIBLE_ALIVE = frozenset(State) - {State.HELD, State.REDIRECTED, State.WITHDRAWN}


class Bearer(StrEnum):
    """Who may do an act without an API key's scope."""

    RECEIPT = "receipt"  # the bearer of a receipt: the author
    SYSTEM = "system"  # a rule of this service: no route


RECEIPT, SYSTEM = Bearer.RECEIPT, Bearer.SYSTEM
AnyScope = Scope | Bearer


@dataclass(frozen=True)
class Moment:
    """What surrounds an act: who acts, when, under which rules, the other cases it touches, and the event's id.

    `supporter` is the hash under which an endorsement is counted; `sites` the ids of the sites that the act names.
    `day` is set where an anonymous author acts: of the instant only the day may be kept.
    """

    now: datetime
    event_id: UUID
    rules: Rules
    day: datetime | None = None
    actor: Actor | None = None
    by_receipt: bool = False
    others: Mapping[UUID, Case] = field(default_factory=dict)
    sites: Mapping[str, UUID] = field(default_factory=dict)
    supporter: str = ""

    def known(self, case: Case) -> datetime:
        """When it happened, as far as it may be kept.

        Of what an anonymous author did that is the beginning of the day, but never before what others did last:
        otherwise an answer would come before its question, and an appeal before its decision.
        """
        return self.now if self.day is None else max(self.day, case.last_by_others())


@dataclass(frozen=True)
class Transition:
    """One row of the state table.

    `enters` is empty where the state stays; with several, the act's own rule chooses. `events` are the public types
    (with several, the act chooses). `shows` names the fields that a thin delivery may carry. `by_author`: what the
    author does.
    """

    name: str
    scopes: frozenset[AnyScope]
    leaves: frozenset[State]
    enters: frozenset[State]
    events: tuple[str, ...]
    shows: frozenset[str]
    by_author: bool

    @property
    def key_scopes(self) -> frozenset[Scope]:
        """The scopes of API keys, any of which is enough."""
        return frozenset(scope for scope in self.scopes if isinstance(scope, Scope))


class Act(Shape):
    """Something done to a suggestion."""

    transition: ClassVar[Transition]

    def __init_subclass__(
        cls,
        *,
        scope: OneOrMore[AnyScope] = (),
        leaves: OneOrMore[State] | frozenset[State] = (),
        enters: OneOrMore[State] | frozenset[State] = (),
        event: OneOrMore[str] = (),
        shows: OneOrMore[str] = (),
        by_author: bool = False,
        **config: Unpack[ConfigDict],
    ) -> None:
        """Registers the act. A request model that is derived from an act gives no `scope` and is no other act."""
        super().__init_subclass__(**config)
        if scope == ():
            return
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        if name in ACTS or not cls.__doc__:
            raise TypeError(f"act {name}: a second one, or without the docstring that is its API text")
        events = _many(event) or (f"suggestion.{name}",)
        cls.transition = Transition(
            name,
            frozenset(_many(scope)),
            frozenset(_many(leaves)),
            frozenset(_many(enters)),
            events,
            frozenset(_many(shows)),
            by_author,
        )
        ACTS[name] = cls

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:  # noqa: ARG003 -- acts with days of their own ask for it
        """Whether the act is open now: `allowed_acts` and the refusal ask the same."""
        return case.state in cls.transition.leaves

    def others(self, case: Case) -> tuple[UUID, ...]:  # noqa: ARG002 -- see the acts that touch others
        """Other suggestions that it touches: they are loaded and locked, too."""
        return ()

    def names_suggestions(self) -> tuple[UUID, ...]:
        """Those of `others` that the body names: the caller must be able to see them."""
        return ()

    def names_sites(self) -> tuple[tuple[str, str], ...]:
        """Sites that the body names, each with its JSON pointer; the service looks them up."""
        return ()

    def first_event(self, case: Case, at: Moment) -> UUID | None:  # noqa: ARG002 -- see `Endorse`
        """The event that has already recorded this very act, where a repetition is without effect."""
        return None

    def apply(self, case: Case, at: Moment) -> Case:  # noqa: ARG002 -- an act without a rule changes nothing
        """The case afterwards, or a refusal. Pure."""
        return case

    def ripple(self, other: Case, before: Case, after: Case, at: Moment) -> Case:  # noqa: ARG002
        """What the act does to one of `others`."""
        return other

    def event_type(self) -> str:
        """The public type of the event that it writes."""
        return self.transition.events[0]

    def writes_message(self) -> bool:
        """Whether it writes a message to the author, whose id is then that of the event."""
        return getattr(self, "message", None) is not None

    def facts(self, after: Case, at: Moment) -> dict[str, JsonValue]:  # noqa: ARG002
        """Codes, numbers and dates that a thin event may carry, as `shows` lists them."""
        dumped = self.model_dump(mode="json", include=set(self.transition.shows))
        return {name: value for name, value in dumped.items() if value is not None}

    def performed_on(self, case: Case, at: Moment) -> Case:
        """Asks whether it fits, then applies the act's own rule, then enters its state.

        Raises ActNotAllowed, and what the act's own rule raises.
        """
        if not self.fits(case, at.now):
            raise ActNotAllowed(state=case.state.value, allowed_acts=allowed_acts(case, at.now))
        after = self.apply(case, at)
        if len(self.transition.enters) == 1:
            after = replace(after, state=min(self.transition.enters))
        if after.state not in (self.transition.enters or {case.state}):
            raise AssertionError(f"{self.transition.name} may not enter {after.state}")
        if after.state is not case.state:
            after = replace(after, ended_at=_end_of(case, after, at))
        if self.writes_message():
            after = replace(after, messages=(*after.messages, at.event_id), news_at=at.now)
        return after


def _end_of(case: Case, after: Case, at: Moment) -> datetime | None:
    """When it ended; None while it lives. What has ended has ended when it did, also if it is held afterwards."""
    if after.state in ENDS or after.state is State.MERGED:
        return case.ended_at or at.known(case)
    return case.ended_at if after.state is State.HELD else None


ACTS: dict[str, type[Act]] = {}


_RULES_ALONE = frozenset({SYSTEM})


def allowed_acts(case: Case, now: datetime) -> list[str]:
    """The acts that fit the case now, whatever scopes a caller has; the rules' own acts are left out."""
    return sorted(name for name, act in ACTS.items() if act.transition.scopes != _RULES_ALONE and act.fits(case, now))


def _many(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 -- one or several of whatever the class argument takes
    if isinstance(value, tuple | frozenset):
        return tuple(value)
    return (value,)


def named_site(at: Moment, pointer: str, name: str) -> UUID:
    """The id of a site that the act names. Raises Invalid where there is no such site."""
    found = at.sites.get(name)
    if found is None:
        raise Invalid(Fault(pointer, "not_found", "Your organisation has no site with this id or code."))
    return found


def in_days(now: datetime, since: Iterable[datetime | None], days: int) -> bool:
    """Whether the latest of the instants is at most so many days ago."""
    latest = max((instant for instant in since if instant is not None), default=None)
    return latest is not None and (now - latest).total_seconds() <= days * 86_400
