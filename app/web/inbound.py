"""Signed reports over HTTP. Nothing is parsed before the signature has been checked over the bytes that arrived.

The route is open, and its checks stand here in the contract's order: 404 and 410 of the source, its headers, 413 and
408, 415, the signature, the clock. What comes behind them needs the database and stands in `services/inbound`.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from app.domain.errors import (
    InvalidSignature,
    MalformedHeader,
    MissingHeader,
    TimestampOutOfTolerance,
    UnsupportedMediaType,
)
from app.domain.reports.messages import SignedReport
from app.kit import signing
from app.kit.strict_json import canonical
from app.services import inbound, report_views, sources
from app.web.access import open_to_all
from app.web.call import Call
from app.web.route import JSON, Route

router = APIRouter(route_class=Route, tags=["reports"])

DUPLICATE = "Webhook-Duplicate"
_DUPLICATE_HEADER: dict[str, Any] = {
    DUPLICATE: {
        "description": "Present where the `webhook-id` came before with the same body: this is the first answer again.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_FORMS = {
    "webhook-id": (
        "The sender's own id of this message, the same on every try: what came before under it is not done again.",
        r"^[A-Za-z0-9_-]{1,128}$",
        "msg_2b7f0c",
    ),
    "webhook-timestamp": ("When this try was signed, in seconds since 1970.", r"^[0-9]{1,11}$", "1795554000"),
    "webhook-signature": (
        (
            "One to sixteen signatures, separated by spaces, one of them made with a secret of the source: `v1,` and "
            "the base64 of HMAC-SHA256 over the id, a full stop, the timestamp, a full stop and the bytes of the body."
        ),
        None,
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
}
_REFUSES = (
    "missing_header",
    "malformed_header",
    "gone",
    "body_too_large",
    "request_timeout",
    "unsupported_media_type",
    "invalid_signature",
    "timestamp_out_of_tolerance",
    "webhook_id_reused",
    "outcome_unknown",
)


def _parameters() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": text,
            "schema": {"type": "string", **({"pattern": pattern} if pattern else {})},
            "example": example,
        }
        for name, (text, pattern, example) in _FORMS.items()
    ]


def _body() -> Mapping[str, Any]:
    schema = SignedReport.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"required": True, "content": {JSON: {"schema": schema}}}


@router.post(
    "/v1/inbound/{source_id:uuid}",
    operation_id="receiveReport",
    response_model=report_views.InboundView,
    responses={
        200: {"headers": _DUPLICATE_HEADER},
        202: {
            "model": report_views.QuarantinedView,
            "description": "Kept, and stands on no suggestion yet.",
            "headers": _DUPLICATE_HEADER,
        },
    },
    openapi_extra={**open_to_all(refuses=_REFUSES), "parameters": _parameters(), "requestBody": _body()},
)
async def receive(call: Call, source_id: UUID) -> Response:
    """Take a report that a source has signed by Standard Webhooks. What is authentic is stored before anything else.

    A report that does not fit is never refused: it is answered 202 with the reason, kept, and joins by itself or by
    hand. The same `webhook-id` with the same body is answered as at first, with the header `Webhook-Duplicate: true`;
    with another body it is 409. A body that is no JSON object is 422 and leaves the id free. Unknown members are kept.
    The types `ping` and `source.heartbeat` are answered with `received`.
    """
    services = call.services
    sender = await services.database.read(
        None, lambda session: sources.find_sender(session, services.secret, source_id, call.now)
    )
    stamp = _read_stamp(call)
    raw = await call.read_bytes()
    _check_media_type(call)
    _verify(sender, stamp, raw, call)
    signed = inbound.Signed(sender.source_id, stamp.message_id, raw)
    answer = await services.database.write(
        sender.scope, lambda session: inbound.take_in(session, services.secret, signed, call.now)
    )
    if answer.refusal is not None:  # What was refused is stored, too: it is raised after the COMMIT.
        raise answer.refusal
    headers = {DUPLICATE: "true"} if answer.is_duplicate else {}
    return Response(canonical(dict(answer.body or {})), answer.status, headers, JSON)


def _read_stamp(call: Call) -> signing.Stamp:
    """The three headers, each there once and of its form."""
    headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in call.scope["headers"])
    try:
        return signing.read_headers(headers)
    except signing.MissingHeaderError as error:
        raise MissingHeader(f"The header {error.args[0]} is missing.") from None
    except signing.MalformedHeaderError as error:
        raise MalformedHeader(f"The header {error.args[0]} stands there twice or does not have its form.") from None


def _check_media_type(call: Call) -> None:
    """JSON, as it is: the signature was made over these bytes."""
    if (call.single(b"content-encoding") or "identity").strip(" \t").lower() != "identity":
        raise UnsupportedMediaType("Send the body uncompressed, without the header Content-Encoding.")
    if (call.single(b"content-type") or "").partition(";")[0].strip(" \t").lower() != JSON:
        raise UnsupportedMediaType


def _verify(sender: sources.Sender, stamp: signing.Stamp, raw: bytes, call: Call) -> None:
    try:
        signing.verify(sender.secrets, stamp, raw, call.now.timestamp())
    except signing.InvalidSignatureError:
        raise InvalidSignature from None
    except signing.TimestampOutOfToleranceError as error:
        raise TimestampOutOfTolerance(error.skew_seconds) from None
