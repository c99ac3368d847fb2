"""Events as they are sent, for the OpenAPI document: what the bytes of a delivery, a poll and the feed hold."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import MISSING, BaseModel, ConfigDict, Field

from app.domain.events import EVENT_TYPES, WITHHELD
from app.domain.vocabulary import Group, Outcome, Progress, State
from app.kit.shapes import Instant
from app.web.webhooks import EventType

_ID = "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05"
_DATA: dict[str, Any] = {
    "suggestion_id": "0199b6f0-4b0d-7933-8c1a-2e7d5f6b0c94",
    "external_id": "idea-8841",
    "state": "delivering",
    "progress": "implemented",
    "outcome": "adopt",
    "version": 9,
    "actor_group": None,
    "caused_by": {
        "report_id": "0199b6f0-6d2f-7b55-ae3c-408f7b8d2e16",
        "source_id": "0199b6f0-7e30-7c66-bf4d-51908c9e3f27",
    },
    "progress_before": "planned",
}
_EVENT: dict[str, Any] = {
    "id": _ID,
    "type": "progress.changed",
    "timestamp": "2026-11-23T08:00:04.120000Z",
    "data": _DATA,
}


class CausedBy(BaseModel):
    """The report that brought the event about. `source_id` is null for a report that came by API key."""

    report_id: UUID
    source_id: UUID | None


class EventData(BaseModel):
    """Codes, numbers and dates; never a free text or a person, unless the payload is `full`.

    The first eight members are always there, each with a value or null (`actor_group` is null for what rules and
    reports did). Which of the others are there depends on the type, and later versions may add some.
    """

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_DATA]})

    suggestion_id: UUID | None
    external_id: str | None
    state: State | None
    progress: Progress | None
    outcome: Outcome | None
    version: int | None
    actor_group: Group | None
    caused_by: CausedBy | None
    report_type: Annotated[str | MISSING, Field(description="Of a report, without the prefix `report.`.")] = MISSING
    occurred_at: Annotated[Instant | MISSING, Field(description="When it happened, as the report says.")] = MISSING
    promise: Annotated[str | MISSING, Field(description="A promise to the author, such as `P3`.")] = MISSING
    due_at: Annotated[Instant | MISSING, Field(description="The end of a promise's last day.")] = MISSING
    message_id: Annotated[UUID | MISSING, Field(description="The message to the author that came with the act.")] = (
        MISSING
    )
    support_id: Annotated[UUID | MISSING, Field(description="Names a request for support when it is settled.")] = (
        MISSING
    )
    decision_expected_on: Annotated[date | MISSING, Field(description="When a decision may be expected.")] = MISSING
    reasons: Annotated[tuple[str, ...] | MISSING, Field(description="Of a decision.")] = MISSING
    participation_level: Annotated[str | MISSING, Field(description="Of a decision.")] = MISSING
    revisit_on: Annotated[date | MISSING, Field(description="When a deferred suggestion comes back.")] = MISSING
    channel: Annotated[str | MISSING, Field(description="How the author was told.")] = MISSING
    told_at: Annotated[Instant | MISSING, Field(description="When the author was told.")] = MISSING
    route: Annotated[
        str | MISSING, Field(description="The procedure that a suggestion is held for or handed over to.")
    ] = MISSING
    handed_over_at: Annotated[Instant | MISSING, Field(description="When it was handed over.")] = MISSING
    minutes: Annotated[int | MISSING, Field(description="Of protected time.")] = MISSING
    kind: Annotated[str | MISSING, Field(description="Of protected time or of support.")] = MISSING
    paid: Annotated[bool | MISSING, Field(description="Whether protected time was paid.")] = MISSING
    progress_before: Annotated[Progress | MISSING | None, Field(description="What the reports came to before.")] = (
        MISSING
    )
    reason: Annotated[str | MISSING | None, Field(description="Why a report stands on no suggestion.")] = MISSING
    subscription_id: Annotated[UUID | MISSING, Field(description="The subscription that the event is about.")] = MISSING


class NoData(BaseModel):
    """Nothing."""

    model_config = ConfigDict(extra="forbid")


class Event(BaseModel):
    """A fact that was recorded."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EVENT]})

    id: UUID
    type: str
    timestamp: Annotated[Instant, Field(description="Of what an anonymous author did, only the day is kept.")]
    data: EventData


class SentEvent(Event):
    """An event as one subscription is sent it. `sequence` counts from 1 without gaps, for each subscription alone."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_EVENT, "sequence": 17}]})

    sequence: int


class WithheldEvent(BaseModel):
    """What stands in the place of an event about something that is hidden."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": _ID, "type": WITHHELD, "timestamp": "2026-11-23T00:00:00Z", "data": {}, "sequence": 17}]
        }
    )

    id: UUID
    type: Literal["event.withheld"]
    timestamp: Instant
    data: NoData
    sequence: int


class Ping(BaseModel):
    """What `testSubscription` sends. It is no event and has no `sequence`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": _ID, "type": "ping", "timestamp": "2026-11-23T08:00:04Z", "data": {}}]}
    )

    id: UUID
    type: Literal["ping"]
    timestamp: Instant
    data: NoData


class PolledPage(BaseModel):
    """A page of a poll. `next_cursor` is what goes into `after` next, null where nothing more is there yet."""

    items: list[SentEvent | WithheldEvent]
    next_cursor: Annotated[str | None, Field(examples=["17"])]


class FeedPage(BaseModel):
    """A page of the feed. `next_cursor` goes into `after` next; an empty page is the end for now."""

    items: list[Event]
    next_cursor: str


def event_types() -> list[EventType]:
    """Return what subscribers are sent, for the section `webhooks` of the OpenAPI document."""
    told = [
        EventType(row.name, row.description, WithheldEvent if row.name == WITHHELD else SentEvent)
        for row in EVENT_TYPES
    ]
    return [*told, EventType("ping", Ping.__doc__ or "", Ping)]
