"""What can be refused, each as a class with its code; `web/problems` alone gives the codes an HTTP status.

The classes for a body that is no JSON, or whose members are refused, stand in `kit/refusals`, because the general tools
raise them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from app.kit.refusals import Refusal


class NotFound(Refusal):
    """Nothing that this caller may see has this path, id or name. Always answered in the same words."""

    code: ClassVar[str] = "not_found"
    detail: ClassVar[str] = "There is nothing at this address that your key may see."


class Gone(Refusal):
    """A source that existed and was deleted."""

    code: ClassVar[str] = "gone"
    detail: ClassVar[str] = "This existed and was deleted. Stop sending to it, or ask for a new address."


class MethodNotAllowed(Refusal):
    """The path exists, the method does not. `allowed` are all methods of the path, HEAD included."""

    code: ClassVar[str] = "method_not_allowed"
    detail: ClassVar[str] = "This address does not take that method. The header Allow names the methods it takes."

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(headers={"Allow": ", ".join(allowed)})


class Unauthenticated(Refusal):
    """No key, or none that opens this route."""

    code: ClassVar[str] = "unauthenticated"
    detail: ClassVar[str] = "Send a valid key in the header Authorization, as in: Authorization: Bearer hb_…"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class InvalidSignature(Refusal):
    """No live secret of the source made any of the signatures."""

    code: ClassVar[str] = "invalid_signature"
    detail: ClassVar[str] = (
        "None of the signatures in webhook-signature was made with a secret of this source over exactly the bytes that "
        "arrived."
    )

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class TimestampOutOfTolerance(Refusal):
    """A signed timestamp is more than 300 seconds off. `skew_seconds` is our clock minus theirs."""

    code: ClassVar[str] = "timestamp_out_of_tolerance"
    detail: ClassVar[str] = (
        "The time in webhook-timestamp is more than 300 seconds away from our clock. Set the clock of the sending "
        "machine, and sign again on every try."
    )

    def __init__(self, skew_seconds: int) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"}, skew_seconds=skew_seconds)


class MissingScope(Refusal):
    """The key is valid, and none of its scopes opens this route. `scopes`: each of them would be enough."""

    code: ClassVar[str] = "missing_scope"
    detail: ClassVar[str] = "Your key does not carry the scope that this needs."

    def __init__(self, scopes: Collection[str] = (), detail: str = "") -> None:
        named = " or ".join(sorted(scopes))
        super().__init__(detail or (f"Your key does not carry the scope that this needs: {named}." if named else ""))


class MissingHeader(Refusal):
    """A required header is absent."""

    code: ClassVar[str] = "missing_header"
    detail: ClassVar[str] = "A header that this request needs is missing."


class MalformedHeader(Refusal):
    """A header has another form than it must have, or stands there twice."""

    code: ClassVar[str] = "malformed_header"
    detail: ClassVar[str] = "A header of this request does not have the form that it must have."


class BodyTooLarge(Refusal):
    """The body is larger than the route takes."""

    code: ClassVar[str] = "body_too_large"
    detail: ClassVar[str] = "The body of this request is too large."

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"The body of this request is larger than {max_bytes} bytes, which is the most that is taken.")


class RequestTimeout(Refusal):
    """The body did not arrive in time; the connection is closed."""

    code: ClassVar[str] = "request_timeout"
    detail: ClassVar[str] = "The body of this request did not arrive in time."

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The body of this request did not arrive within {seconds:g} seconds.", headers={"Connection": "close"}
        )


class UnsupportedMediaType(Refusal):
    """The body is of a media type or content coding that the route does not take."""

    code: ClassVar[str] = "unsupported_media_type"
    detail: ClassVar[str] = "Send the body as application/json and say so in the header Content-Type."


class InvalidCursor(Refusal):
    """A cursor was altered, or belongs to another list, filter, order or organisation."""

    code: ClassVar[str] = "invalid_cursor"
    detail: ClassVar[str] = (
        "This cursor belongs to another list, filter or order, or was altered. Start again without a cursor."
    )


class VersionMismatch(Refusal):
    """The resource has another version than If-Match names."""

    code: ClassVar[str] = "version_mismatch"
    detail: ClassVar[str] = "This has changed since the version in If-Match. Read it again, then decide what to send."


class PreconditionRequired(Refusal):
    """The organisation's policy asks for If-Match, and there is none."""

    code: ClassVar[str] = "precondition_required"
    detail: ClassVar[str] = "Your organisation requires the header If-Match here, with the ETag that you have read."


class IdempotencyKeyReused(Refusal):
    """The Idempotency-Key was used for a request with another method, path or body."""

    code: ClassVar[str] = "idempotency_key_reused"
    detail: ClassVar[str] = "This Idempotency-Key was used before, for a request with another method, path or body."


class IdempotencyKeyInUse(Refusal):
    """A request with the same Idempotency-Key is still running."""

    code: ClassVar[str] = "idempotency_key_in_use"
    detail: ClassVar[str] = (
        "A request with this Idempotency-Key is still running. Send it again in a moment to get its answer."
    )

    def __init__(self, retry_after_seconds: int = 1) -> None:
        super().__init__(headers={"Retry-After": str(retry_after_seconds)})


class ActNotAllowed(Refusal):
    """The act does not fit the suggestion's state. `state` is the state, `allowed_acts` what fits now."""

    code: ClassVar[str] = "act_not_allowed"
    detail: ClassVar[str] = "This act does not fit the state that the suggestion is in now."

    def __init__(self, state: str, allowed_acts: Sequence[str], detail: str = "") -> None:
        super().__init__(detail, state=state, allowed_acts=list(allowed_acts))


class QuorumNotMet(Refusal):
    """Votes are missing for this decision.

    `missing_seats` has one entry per missing kind of vote: ``{"groups": [...], "count": n, "detail": "..."}``.
    """

    code: ClassVar[str] = "quorum_not_met"
    detail: ClassVar[str] = "The panel cannot decide this yet. The member missing_seats says whose votes are missing."

    def __init__(self, missing_seats: Sequence[Mapping[str, object]], detail: str = "") -> None:
        super().__init__(detail, missing_seats=[dict(seat) for seat in missing_seats])


class IdConflict(Refusal):
    """The id, or the caller's own id, belongs to something with other content."""

    code: ClassVar[str] = "id_conflict"
    detail: ClassVar[str] = "This id is already taken by something with other content."


class WebhookIdReused(Refusal):
    """A webhook-id arrived again with another body."""

    code: ClassVar[str] = "webhook_id_reused"
    detail: ClassVar[str] = (
        "This webhook-id arrived before with another body. Every new message needs an id of its own."
    )


class RateLimited(Refusal):
    """Too many requests of one key or source."""

    code: ClassVar[str] = "rate_limited"
    detail: ClassVar[str] = "Too many requests. Wait for the seconds that the header Retry-After names."

    def __init__(self, retry_after_seconds: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(headers={"Retry-After": str(retry_after_seconds), **(headers or {})})
