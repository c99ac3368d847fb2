"""What comes of one outgoing call, and the word for each way in which it fails."""

import ssl
from dataclasses import dataclass
from enum import StrEnum

import aiohttp

from app.kit.addresses import URLNotAllowedError
from app.kit.connector import BlockedAddressError


class LookUpError(Exception):
    """The name has no address, or none was found in time."""


class Failure(StrEnum):
    """Why an attempt was no success."""

    DNS = "dns"
    """The name has no address, or none was found in time."""
    BLOCKED_ADDRESS = "blocked_address"
    """The URL, or one of the addresses that its name leads to, may not be called."""
    REFUSED = "refused"
    """Nobody listens there."""
    CONNECT = "connect"
    """There is no way there."""
    TLS = "tls"
    """The handshake failed, or the certificate does not hold."""
    TIMEOUT = "timeout"
    """There was no final head when the time was over."""
    TRUNCATED = "truncated"
    """The connection ended before the head did."""
    PROTOCOL = "protocol"
    """The head is not HTTP/1, is beyond the limits, or its status is none of 200 to 599."""
    REDIRECT = "redirect"
    """The status is one of 300 to 399; it is not followed."""
    STATUS = "status"
    """The status is one of 400 to 599."""


@dataclass(slots=True)
class Answer:
    """What came of one attempt. `failure` is None exactly if a readable head said 2xx, whatever its body did."""

    status: int | None = None
    """None without a readable head."""
    milliseconds: int = 0
    """From the start of the attempt to its end, the look-up of the name included."""
    address: str | None = None
    """The last address that was tried."""
    failure: Failure | None = None
    detail: str = ""
    """What went wrong, for the operators' log; it repeats nothing of what was sent."""
    body: bytes = b""
    """The first 4 KiB, as they came."""
    retry_after: str | None = None
    """The header of that name, not yet read."""


def judge(status: int) -> Failure | None:
    """Say what the status of a readable head means: None for success."""
    if 200 <= status < 300:  # noqa: PLR2004 -- the classes of RFC 9110 section 15, as below
        return None
    if 300 <= status < 400:  # noqa: PLR2004
        return Failure.REDIRECT
    return Failure.STATUS if 400 <= status < 600 else Failure.PROTOCOL  # noqa: PLR2004


def classify(error: Exception) -> Failure:
    """Name what ended an attempt before there was a readable head."""
    for failure, types in _FAILURES:
        if isinstance(error, types):
            return failure
    if isinstance(error, aiohttp.ClientConnectorError):
        return _classify_connection(error.os_error)
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        return Failure.TLS if isinstance(error.__cause__, ssl.SSLError) else Failure.TRUNCATED
    return Failure.PROTOCOL


_FAILURES: tuple[tuple[Failure, tuple[type[Exception], ...]], ...] = (
    (Failure.BLOCKED_ADDRESS, (BlockedAddressError, URLNotAllowedError)),
    (Failure.DNS, (LookUpError,)),
    (Failure.TLS, (aiohttp.ClientSSLError, ssl.SSLError)),
    (Failure.TIMEOUT, (TimeoutError,)),
)


def _classify_connection(error: OSError) -> Failure:
    if isinstance(error, ConnectionRefusedError):
        return Failure.REFUSED
    # A connection that is reset has been made: it is the handshake that was cut off.
    return Failure.TLS if isinstance(error, ConnectionResetError) else Failure.CONNECT
