"""Who may come in: the `security` of a route in the OpenAPI document is what is checked, before the body is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.errors import MissingScope, Unauthenticated
from app.services.access import KEY_PREFIX, RECEIPT_PREFIX, Token, credential_of
from app.web.call import Call

SCHEMES: dict[str, dict[str, Any]] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "hb_…",
        "description": "An API key of an organisation. It carries scopes, and may be limited to sites.",
    },
    "receipt": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "hbr_…",
        "description": "The receipt code that the author of a suggestion was given. It opens that suggestion alone.",
    },
}
REFUSES = "x-refuses"
"""Where a route says which further codes it answers; `Route` takes it out again."""

_PREFIXES: dict[Token, str] = {"key": KEY_PREFIX, "receipt": RECEIPT_PREFIX}
_CALLED: dict[Token, str] = {
    "key": "an API key, which begins with hb_",
    "receipt": "a receipt code, which begins with hbr_",
}


def needs(*scopes: str, scheme: Token = "key", refuses: Sequence[str] = ()) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that asks for a key with any one of `scopes`, or for a receipt.

    `refuses` are the codes of problems that this route answers beside those that follow from what it takes.
    """
    security = [{scheme: [scope]} for scope in sorted(scopes)] or [{scheme: []}]
    return {"security": security, REFUSES: tuple(refuses)}


def needs_or_receipt(*scopes: str, refuses: Sequence[str] = ()) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that takes a key with any one of `scopes`, or a receipt."""
    security: list[dict[str, list[str]]] = [*({"key": [scope]} for scope in sorted(scopes)), {"receipt": []}]
    return {"security": security, REFUSES: tuple(refuses)}


def open_to_all(*, refuses: Sequence[str] = ()) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that asks for no key."""
    return {"security": [], REFUSES: tuple(refuses)}


@dataclass(frozen=True, slots=True)
class Access:
    """The `security` of one route, ready to be asked."""

    scheme: Token | None
    """None: the route is open to all."""
    scopes: frozenset[str]
    """Any one of them is enough for a key; none: the key or receipt itself is."""
    takes_receipts: bool = False
    """A route for keys that takes a receipt, too."""

    @classmethod
    def of(cls, security: Sequence[Mapping[Token, Sequence[str]]]) -> "Access":
        """Read OpenAPI's list of alternatives, which have one scope each."""
        schemes = {scheme for alternative in security for scheme in alternative}
        scopes = frozenset(scope for alternative in security for asked in alternative.values() for scope in asked)
        if len(schemes) > 1:
            return cls("key", scopes, takes_receipts=True)
        return cls(next(iter(schemes), None), scopes)

    async def check(self, call: Call) -> None:
        """Find the caller. Raises Unauthenticated and MissingScope. Touches no database while the caller is known."""
        if self.scheme is None:
            return
        scheme, token = self._token_of(call, self.scheme)
        hashed = credential_of(scheme, token)
        if hashed is None:
            raise Unauthenticated(
                "This key was mistyped: its last characters, which are computed from the others, do not fit."
                if scheme == "key"
                else "This receipt code was mistyped: its check character does not fit."
            )
        caller = await call.services.callers.get(scheme, hashed, call.now)
        if caller is None:
            raise Unauthenticated(
                "This key is not known here, or it was revoked or has expired."
                if scheme == "key"
                else "This receipt code is not known here, or it is no longer valid."
            )
        call.known_caller = caller
        call.scope["state"]["caller"] = caller
        call.scope["state"]["credential"] = hashed
        if scheme == "key" and self.scopes and self.scopes.isdisjoint(caller.scopes):
            raise MissingScope(self.scopes)

    def _token_of(self, call: Call, scheme: Token) -> tuple[Token, str]:
        values = [value for name, value in call.scope["headers"] if name == b"authorization"]
        if not values:
            raise Unauthenticated
        if len(values) > 1:
            raise Unauthenticated("The header Authorization stands there twice, and may stand there once.")
        value: bytes = values[0]
        kind, _, token = value.decode("latin-1").strip(" \t").partition(" ")
        token = token.lstrip(" ")
        if self.takes_receipts and token[: len(RECEIPT_PREFIX)].lower() == RECEIPT_PREFIX:
            scheme = "receipt"
        prefix = _PREFIXES[scheme]
        if kind.lower() != "bearer":
            raise Unauthenticated("The header Authorization has another form than: Bearer, a space, the key.")
        if token[: len(prefix)].lower() != prefix:
            raise Unauthenticated(f"This address takes {_CALLED[scheme]}.")
        return scheme, prefix + token[len(prefix) :]
