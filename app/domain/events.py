"""Every public type of event, as rows of data: its name, its text in the API, and who may hear of it.

The types that acts write are derived from the acts; the others stand here. Subscriptions, the feed and the OpenAPI
document all read this table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from inspect import getdoc

from app.domain import acts
from app.domain.lifecycle import ACTS, SYSTEM, Act

__all__ = ["acts", "EVENT_TYPES", "WITHHELD", "PublicEvent", "hears", "is_known", "needs_safeguard"]

SAFEGUARDING = "safeguarding."
WITHHELD = "event.withheld"
"""What takes the place of an event about something that is hidden."""


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """One type of event. `needs_safeguard`: only who has that scope hears of it, and wildcards leave it out."""

    name: str
    description: str
    needs_safeguard: bool = False


def needs_safeguard(name: str) -> bool:
    """Whether a type, or a pattern for one, is told to the scope `safeguard` alone."""
    return name.startswith(SAFEGUARDING)


def is_known(pattern: str) -> bool:
    """Whether a pattern names something: a type, all types of a family (`report.*`), or all there are (`*`)."""
    return pattern in _PATTERNS


def hears(patterns: Iterable[str], name: str, *, sees_hidden: bool) -> bool:
    """Whether one of the patterns stands for the type; `safeguarding.…` only for who has the scope `safeguard`."""
    if needs_safeguard(name) and not sees_hidden:
        return False
    family = f"{name.partition('.')[0]}.*"
    return any(pattern in (name, family, "*") for pattern in patterns)


def _of_acts() -> Iterator[PublicEvent]:
    """A row per event that an act writes. Where several acts write the same, the act that a person does explains it."""
    told: dict[str, type[Act]] = {}
    for _, act in sorted(ACTS.items(), key=lambda item: (item[1].transition.scopes == {SYSTEM}, item[0])):
        for name in act.transition.events:
            told.setdefault(name, act)
    for name, act in told.items():
        yield PublicEvent(name, _OF_SEVERAL.get(name) or getdoc(act) or name, needs_safeguard(name))


_OF_SEVERAL = {
    "suggestion.decided": "A decision was taken: `outcome` in the event says which. A deferral has a type of its own.",
    "suggestion.deferred": "The decision was put off to a date; the suggestion comes back by itself on `revisit_on`.",
    "suggestion.told": "The author is known to have been told of what stands: by the receipt view, by a person "
    "(`channel`), or by a subscription that notifies authors (`channel` is `subscription`).",
    "suggestion.reopened": "The suggestion is open again: a person reopened it, or a later report or the author's "
    "verdict contradicted what it was closed on.",
    "suggestion.unmerged": "The suggestion stands on its own again, in the state it was merged from.",
}
_OTHERS = (
    PublicEvent("suggestion.submitted", "Somebody raised a suggestion."),
    PublicEvent("suggestion.revised", "The suggestion was reworded; the old wording is kept for audit."),
    PublicEvent("suggestion.opened", "The identity of a confidential author was opened by a key with `identity`."),
    PublicEvent("suggestion.erased", "The author and the author's texts were erased; decision and counts stay."),
    PublicEvent("report.applied", "A report about what happened stands on the suggestion now."),
    PublicEvent("report.quarantined", "A report is kept and listed, and stands on no suggestion; `reason` says why."),
    PublicEvent("report.conflict", "Reports, or the front line, contradict each other about the suggestion."),
    PublicEvent("report.dismissed", "A person put a report aside."),
    PublicEvent("progress.changed", "What the reports come to has changed; `progress_before` is what it was."),
    PublicEvent("promise.due_soon", "A promise that is owed to the author ends today."),
    PublicEvent("promise.broken", "A promise that is owed to the author was not kept in time."),
    PublicEvent("source.silent", "A source has sent nothing for longer than was agreed."),
    PublicEvent("source.recovered", "A source that was silent has sent again."),
    PublicEvent(
        "subscription.suspended",
        "Nothing got through to the subscription `subscription_id` for five days and ten attempts. Nothing is lost: "
        "what is due waits until it is resumed.",
    ),
    PublicEvent("subscription.revived", "The subscription `subscription_id`, suspended or ended, was resumed."),
    PublicEvent(
        WITHHELD,
        "Stands in the place of an event about a suggestion that is hidden because somebody may be at risk, whether or "
        "not the subscription asks for this type. `data` is empty.",
    ),
    PublicEvent(
        "safeguarding.report_kept", "A report came in for a hidden suggestion and was kept.", needs_safeguard=True
    ),
)

EVENT_TYPES: tuple[PublicEvent, ...] = tuple(
    sorted({row.name: row for row in (*_of_acts(), *_OTHERS)}.values(), key=lambda row: row.name)
)
"""All of them, sorted by name."""
_PATTERNS = frozenset({"*"}).union(*({row.name, f"{row.name.partition('.')[0]}.*"} for row in EVENT_TYPES))
