"""The word for each way in which a call fails."""

import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from app.kit.addresses import URLNotAllowedError
from app.kit.answers import Failure, LookUpError, classify, judge
from app.kit.connector import BlockedAddressError, StaleConnectionError

KEY = ConnectionKey("192.0.2.1", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None)


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (BlockedAddressError("10.0.0.1"), Failure.BLOCKED_ADDRESS),
        (URLNotAllowedError("no"), Failure.BLOCKED_ADDRESS),
        (LookUpError("a.example"), Failure.DNS),
        (ssl.SSLError("x"), Failure.TLS),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError("x")), Failure.TLS),
        (aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("x")), Failure.TLS),
        (aiohttp.ClientConnectorError(KEY, ConnectionRefusedError()), Failure.REFUSED),
        (aiohttp.ClientConnectorError(KEY, ConnectionResetError()), Failure.TLS),
        (aiohttp.ClientConnectorError(KEY, OSError("no route")), Failure.CONNECT),
        (TimeoutError(), Failure.TIMEOUT),
        (aiohttp.ConnectionTimeoutError(), Failure.TIMEOUT),
        (aiohttp.ServerDisconnectedError(), Failure.TRUNCATED),
        (StaleConnectionError(), Failure.TRUNCATED),
        (aiohttp.ClientOSError("reset"), Failure.TRUNCATED),
        (caused_by(aiohttp.ClientOSError("x"), ssl.SSLError("alert")), Failure.TLS),
        (aiohttp.ClientPayloadError("x"), Failure.PROTOCOL),
        (ValueError("x"), Failure.PROTOCOL),
    ],
)
def test_what_ended_an_attempt(error: Exception, failure: Failure) -> None:
    assert classify(error) is failure


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (101, Failure.PROTOCOL),
        (199, Failure.PROTOCOL),
        (200, None),
        (202, None),
        (299, None),
        (300, Failure.REDIRECT),
        (399, Failure.REDIRECT),
        (400, Failure.STATUS),
        (410, Failure.STATUS),
        (599, Failure.STATUS),
        (600, Failure.PROTOCOL),
        (999, Failure.PROTOCOL),
    ],
)
def test_what_a_status_means(status: int, failure: Failure | None) -> None:
    assert judge(status) is failure
