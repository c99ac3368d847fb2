"""Standard Webhooks signatures, the symmetric scheme `v1`: sign what goes out, verify what comes in.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md. A signature is
`"v1," + base64(HMAC-SHA256(key, id + "." + timestamp + "." + body))`. The header `webhook-signature` holds one or more
of them with spaces between, one for each secret in use, and a secret is `whsec_` and base64 of 24 to 64 random bytes.

It is verified in two steps, because the body is read between them and each has answers of its own: `read_headers` says
whether the three headers are there, once each and well formed, and `verify` who has signed, and when.
"""

import base64
import binascii
import hmac
import re
import secrets as random_source
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TOLERANCE_SECONDS = 300
"""How far the timestamp may be from our clock, in either direction; the bound itself is allowed."""
MAX_TOKENS = 16
MIN_KEY_BYTES, MAX_KEY_BYTES = 24, 64

_PREFIX = "whsec_"
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")  # Without dots: ("a.1", "2") and ("a", "1.2") would be signed alike.
_TIMESTAMP = re.compile(r"[0-9]{1,11}")  # `int` alone takes "+1", " 1", "1_0" and the digits of other alphabets.
_TOKEN = re.compile(r"v1,[A-Za-z0-9+/]{43}=")


class InvalidSecretError(ValueError):
    """The text is not `whsec_` and base64 of 24 to 64 bytes. The message never repeats it."""


class SignatureError(Exception):
    """What `read_headers` and `verify` raise, whatever the headers hold; each reason is a subclass."""


class MissingHeaderError(SignatureError):
    """A header is not there; `args[0]` is its name."""


class MalformedHeaderError(SignatureError):
    """A header stands there twice or does not have its form; `args[0]` is its name."""


class InvalidSignatureError(SignatureError):
    """None of the signatures was made with one of the secrets for this id, timestamp and body."""


class TimestampOutOfToleranceError(SignatureError):
    """The signature is right, but it was made too long ago or is dated too far ahead."""

    def __init__(self, skew_seconds: int) -> None:
        super().__init__(skew_seconds)
        self.skew_seconds = skew_seconds
        """Our clock minus theirs."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The three headers, well formed and not yet believed."""

    message_id: str
    timestamp: int
    """Seconds since 1970."""
    written_timestamp: str
    """As it was sent, which is what was signed: "007" is not "7"."""
    tokens: tuple[str, ...]


def new_secret() -> str:
    """Return a fresh secret of 32 random bytes."""
    return _PREFIX + base64.b64encode(random_source.token_bytes(32)).decode()


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers, with one signature for each secret, in the order given (the newest first).

    Raises InvalidSecretError, and ValueError for no secret at all or an id outside `[A-Za-z0-9_-]{1,128}`, which
    receivers refuse.
    """
    if not secrets or not _ID.fullmatch(message_id):
        raise ValueError("at least one secret and an id of [A-Za-z0-9_-]{1,128} are needed")
    tokens = (_token_of(secret, message_id, str(timestamp), body) for secret in secrets)
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(tokens)}


def read_headers(headers: Iterable[tuple[str, str]]) -> Stamp:
    """Find the three headers among all, whose names may be in any case.

    Raises MissingHeaderError and MalformedHeaderError.
    """
    found: dict[str, list[str]] = {"webhook-id": [], "webhook-timestamp": [], "webhook-signature": []}
    for name, value in headers:
        if (values := found.get(name.lower())) is not None:
            values.append(value)
    for name, values in found.items():
        if not values:
            raise MissingHeaderError(name)
        if len(values) > 1:
            raise MalformedHeaderError(name)
    message_id, timestamp, signature = (values[0] for values in found.values())
    tokens = tuple(signature.split(" ", MAX_TOKENS))
    if not _ID.fullmatch(message_id):
        raise MalformedHeaderError("webhook-id")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise MalformedHeaderError("webhook-timestamp")
    if len(tokens) > MAX_TOKENS:
        raise MalformedHeaderError("webhook-signature")
    return Stamp(message_id, int(timestamp), timestamp, tokens)


def verify(secrets: Iterable[str], stamp: Stamp, body: bytes, now: float) -> None:
    """Return if a signature of `stamp` was made with one of the secrets, near enough to `now` (seconds since 1970).

    Signatures are compared as text, because base64 has several spellings for the same bytes and one of them was sent.
    What is not a signature of the scheme v1 is passed over. Every secret is tried with every signature, so that the
    time taken does not tell which one fits. The body is never decoded.

    Raises InvalidSignatureError, and only after that TimestampOutOfToleranceError. InvalidSecretError is a fault of
    the one who calls.
    """
    # `compare_digest` raises for texts that are not ASCII; those do not have this form.
    tokens = [token for token in stamp.tokens if _TOKEN.fullmatch(token)]
    fits = False
    for secret in secrets:
        right = _token_of(secret, stamp.message_id, stamp.written_timestamp, body)
        for token in tokens:
            fits |= hmac.compare_digest(token, right)
    if not fits:
        raise InvalidSignatureError
    skew_seconds = now - stamp.timestamp
    if abs(skew_seconds) > TOLERANCE_SECONDS:
        raise TimestampOutOfToleranceError(round(skew_seconds))


def _token_of(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(_key_of(secret), signed, "sha256")).decode()


def _key_of(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise InvalidSecretError("a secret is whsec_ and base64 of 24 to 64 bytes") from None
    return key
