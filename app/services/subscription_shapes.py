"""What is sent and shown about subscriptions, and the rules of what may be asked for."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import MISSING, Field, JsonValue

from app.domain.events import is_known, needs_safeguard
from app.domain.texts import LongText
from app.domain.vocabulary import Scope
from app.kit.addresses import MAX_URL_LENGTH, Network, URLNotAllowedError, parse_url
from app.kit.outcalls import is_header
from app.kit.refusals import Fault, Invalid
from app.kit.shapes import Instant, Shape, fill, length
from app.kit.strict_json import canonical, escape

MAX_TYPES = 100
MAX_HEADERS = 20
_OURS = frozenset(
    {"content-type", "content-encoding", "user-agent", "via", "max-forwards", "set-cookie", "cookie2", "http2-settings"}
)
_OF_SIGNATURES = "webhook-"
_EXAMPLE: dict[str, Any] = {
    "url": "https://care-app.example.org/heardback",
    "event_types": ["suggestion.*", "progress.changed"],
    "payload": "thin",
    "ordering": "per_suggestion",
    "max_in_flight": 8,
    "notifies_authors": False,
    "skip_own": True,
    "headers": {"X-Tenant": "fellside"},
    "description": "The care app's backend",
}

EventTypePattern = Annotated[str, length(1, 64), Field(examples=["suggestion.*"])]
EventTypes = Annotated[tuple[EventTypePattern, ...], Field(min_length=1, max_length=MAX_TYPES)]
Url = Annotated[
    str,
    Field(
        description=f"Where events are sent: https, at most {MAX_URL_LENGTH} characters of ASCII, a public address.",
        examples=[_EXAMPLE["url"]],
        json_schema_extra={"format": "uri"},
    ),
]
Payload = Literal["thin", "full"]
Ordering = Literal["none", "per_suggestion", "strict"]
MaxInFlight = Annotated[int, Field(ge=1, le=64)]
Headers = Annotated[dict[str, str], Field(max_length=MAX_HEADERS)]
Description = Annotated[LongText, Field(examples=[_EXAMPLE["description"]])]


class SubscriptionRequest(Shape, json_schema_extra={"examples": [_EXAMPLE]}):
    """An address that wants events.

    `event_types` names types, families (`report.*`) or all (`*`). A `thin` payload holds ids, codes and dates; a `full`
    one what was said, too, if your key may `read` it, and never who a confidential or anonymous author is. With
    `ordering`, what comes later waits: `per_suggestion` until the event before of the same suggestion is through or
    dead, `strict` until every event before is. At most `max_in_flight` requests are under way at once; one until the
    address has answered with 2xx, and after a failure. `notifies_authors` (with `full`) says that you pass what you get
    on to authors: a decision that you have answered with 2xx counts as told. `skip_own` leaves out what reports of your
    own `system` brought about.
    """

    url: Url
    event_types: EventTypes
    payload: Payload = "thin"
    ordering: Ordering = "none"
    max_in_flight: MaxInFlight = 8
    notifies_authors: bool = False
    skip_own: bool = False
    headers: Headers = Field(default_factory=dict)
    description: Description | None = None


class SubscriptionPatch(Shape, json_schema_extra={"examples": [{"event_types": ["suggestion.decided"]}]}):
    """A merge patch: what is not named stays, null brings the default back; in `headers` it takes one header away."""

    url: Url | MISSING = MISSING
    event_types: EventTypes | MISSING = MISSING
    payload: Payload | MISSING | None = MISSING
    ordering: Ordering | MISSING | None = MISSING
    max_in_flight: MaxInFlight | MISSING | None = MISSING
    notifies_authors: bool | MISSING | None = MISSING
    skip_own: bool | MISSING | None = MISSING
    headers: dict[str, str | None] | MISSING | None = MISSING
    description: Description | MISSING | None = MISSING


State = Literal["active", "paused", "suspended", "ended"]


class SubscriptionView(Shape):
    """A subscription with its settings as they were sent.

    `state`: `paused` by somebody or because of `paused_because` (`key_revoked`, `key_expired`, or `dead_delivery` with
    `strict`), `suspended` after five days and ten attempts without a success, `ended` by an answer 410. Nothing is
    dropped while it is paused or suspended.
    """

    id: UUID
    url: Url
    event_types: tuple[EventTypePattern, ...]
    payload: Payload
    ordering: Ordering
    max_in_flight: int
    notifies_authors: bool
    skip_own: bool
    headers: Annotated[dict[str, str], Field(examples=[_EXAMPLE["headers"]])]
    description: Annotated[str | None, Field(examples=[_EXAMPLE["description"]])]
    state: State
    paused_because: Literal["key_revoked", "key_expired", "dead_delivery"] | None
    created_at: Instant


class NewSubscriptionView(SubscriptionView):
    """A new subscription. `secret` signs what is sent; it is shown once, and null in the answer to a repetition."""

    secret: Annotated[str | None, Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])]


class SecretView(Shape):
    """The new secret, shown once; null in the answer to a repetition."""

    secret: Annotated[str | None, Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])]


class PingView(Shape, json_schema_extra={"examples": [{"ok": True, "status": 204, "milliseconds": 38, "error": None}]}):
    """What came of a signed `ping`. `error` is null exactly with an answer 2xx; `status` without a readable answer."""

    ok: bool
    status: int | None
    milliseconds: int
    error: str | None


class ReplayRequest(
    Shape, json_schema_extra={"examples": [{"from": "2026-11-22T00:00:00Z", "only": "dead", "dry_run": True}]}
):
    """What is to be sent again: by the time of recording (both bounds count; by whole days for what anonymous authors
    did), by type, and the dead ones alone or all that are done.
    """

    from_: Annotated[Instant | None, Field(alias="from")] = None
    to: Instant | None = None
    types: EventTypes | None = None
    only: Literal["dead", "all"] = "dead"
    dry_run: bool = False


class ReplayView(Shape, json_schema_extra={"examples": [{"deliveries": 12}]}):
    """How many deliveries are sent again, or would be."""

    deliveries: int


def check(wanted: SubscriptionRequest, scopes: Collection[str], exempt: Iterable[Network]) -> None:
    """Raises Invalid for everything that cannot be: the URL, types, headers, and what does not go together."""
    faults = [
        *_faults_of_url(wanted.url, exempt),
        *_faults_of_types(wanted.event_types, "/event_types", scopes),
        *_faults_of_headers(wanted.headers),
    ]
    if wanted.notifies_authors and wanted.payload != "full":
        faults.append(Fault("/notifies_authors", "not_allowed", "Authors are notified by full payloads alone."))
    if faults:
        raise Invalid(*faults)


def check_replay(wanted: ReplayRequest, scopes: Collection[str]) -> None:
    """Raises Invalid for types that there are not, or that the caller may not hear of."""
    if faults := list(_faults_of_types(wanted.types or (), "/types", scopes)):
        raise Invalid(*faults)


def merged(settings: Mapping[str, JsonValue], patch: SubscriptionPatch) -> SubscriptionRequest:
    """The settings after a merge patch (RFC 7396). Raises Invalid."""
    sent = patch.model_dump(mode="json", exclude_unset=True)
    headers: JsonValue = settings["headers"]
    if isinstance(sent.get("headers"), dict) and isinstance(headers, dict):
        both = {**headers, **sent["headers"]}
        sent["headers"] = {name: value for name, value in both.items() if value is not None}
    value = {name: one for name, one in {**settings, **sent}.items() if one is not None}
    return fill(SubscriptionRequest, canonical(value), value, null_is_absent=False)


def _faults_of_types(patterns: Iterable[str], place: str, scopes: Collection[str]) -> Iterator[Fault]:
    """The types that there are not, and those that are told to the scope `safeguard` alone."""
    for index, pattern in enumerate(patterns):
        if not is_known(pattern):
            yield Fault(f"{place}/{index}", "not_allowed", "There is no such type of event, and no such family.")
        elif needs_safeguard(pattern) and Scope.SAFEGUARD not in scopes:
            yield Fault(f"{place}/{index}", "not_allowed", "This is told to keys with the scope safeguard alone.")


def _faults_of_url(url: str, exempt: Iterable[Network]) -> Iterator[Fault]:
    try:
        parse_url(url, exempt)
    except URLNotAllowedError as error:
        yield Fault("/url", "not_allowed", str(error))


def _faults_of_headers(headers: Mapping[str, str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        place = f"/headers/{escape(name)}"
        if lower in _OURS or lower.startswith(_OF_SIGNATURES) or not is_header(name, value):
            yield Fault(place, "not_allowed", "A header of this name or value cannot be sent.")
        elif lower in seen:
            yield Fault(place, "not_allowed", "This header stands there twice, in another spelling.")
        seen.add(lower)
