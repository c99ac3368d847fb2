"""One guarded POST to a URL that a stranger has chosen (server-side request forgery: CWE-918, OWASP A10:2021).

`parse_url` judges what needs no look-up. The name is looked up for every call, and a single address that is not
permitted refuses the call. The request then goes to an address that was checked, with the name in the header `Host`, in
TLS's server name and in the check of the certificate. Idle connections are kept by address, so that none is used again
for a name that leads elsewhere by now, and the address that a socket is really opened to is judged once more.

Nothing is taken from the environment, no redirect is followed, no cookie kept, and nothing inflated.
"""

import asyncio
import re
import ssl
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address

import aiohttp
from yarl import URL

from app.kit.addresses import Address, Network, Target, is_permitted, parse_url
from app.kit.answers import Answer, LookUpError, classify, judge
from app.kit.connector import BlockedAddressError, StaleConnectionError, create_connector
from app.kit.lookups import Lookups

MAX_KEPT_BYTES = 4 * 1024
"""Of an answer's body."""
BODY_SECONDS = 2.0
"""For an answer's body: the head has decided, and others wait for the place."""
MIN_CONNECT_SECONDS = 2.0
"""For each of several addresses, however many there are (as Go's net.Dialer shares the time)."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # RFC 9110 section 5.6.2
_VALUE = re.compile(r"[\x20-\x7e]{0,4096}")
_RESERVED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def is_header(name: str, value: str) -> bool:
    """Say whether a header of this name and value may be sent.

    The name is a token (RFC 9110 section 5.6.2), the value printable ASCII, and the header is none of those that
    belong to the transport, such as `Host`, `Cookie` and `Content-Length`.
    """
    return bool(_NAME.fullmatch(name) and _VALUE.fullmatch(value)) and name.lower() not in _RESERVED


class Caller:
    """Makes guarded calls from one event loop, in which it is to be made and closed; it owns the idle connections."""

    def __init__(
        self,
        *,
        user_agent: str,
        exempt: Iterable[Network] = (),
        tls: ssl.SSLContext | None = None,
        attempt_seconds: float = 15.0,
        idle_seconds: float = 4.0,
        lookups: Lookups | None = None,
    ) -> None:
        """`idle_seconds` stays below the 5 s after which Node and uvicorn close a connection that is idle."""
        self._exempt = tuple(exempt)
        self._attempt_seconds = attempt_seconds
        self._lookups = lookups or Lookups()
        self._parse_url = lru_cache(maxsize=4096)(parse_url)
        self._session = aiohttp.ClientSession(
            connector=create_connector(self._exempt, tls or ssl.create_default_context(), idle_seconds),
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the idle connections; calls that are under way fail."""
        await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Make one attempt, which is over within `attempt_seconds` whatever the receiver does.

        Raises ValueError for a header that may not be sent (`is_header`); all else is told by the answer.
        """
        for name, value in headers.items():
            if not is_header(name, value):
                raise ValueError(f"the header {name[:40]!r} may not be sent")
        began, answer = time.monotonic(), Answer()
        try:
            async with asyncio.timeout(self._attempt_seconds):  # aiohttp's own would round 15 s up to 16.
                await self._call(url, body, headers, answer, began + self._attempt_seconds)
        except Exception as error:  # noqa: BLE001 -- nothing that a stranger does may stop the one who calls
            answer.failure, answer.detail = classify(error), f"{type(error).__name__}: {error}"[:200]
        if answer.status is not None:
            answer.failure = judge(answer.status)
        answer.milliseconds = round((time.monotonic() - began) * 1000)
        return answer

    async def _call(self, url: str, body: bytes, headers: Mapping[str, str], answer: Answer, deadline: float) -> None:
        """Try the addresses in turn, each with its share of the time, until one is connected to."""
        target = self._parse_url(url, self._exempt)
        addresses = await self._find(target)
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            answer.address = str(address)
            connect_seconds = max((deadline - time.monotonic()) / left, MIN_CONNECT_SECONDS)
            try:
                await self._exchange(target, address, body, headers, answer, connect_seconds)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                if left == 1 or isinstance(error, aiohttp.ClientSSLError):
                    raise
            else:
                return

    async def _find(self, target: Target) -> tuple[Address, ...]:
        """Return the addresses to try. Raises LookUpError, BlockedAddressError."""
        if target.literal is not None:
            return (target.literal,)
        try:
            addresses = await self._lookups.find(target.host)
        except OSError as error:
            raise LookUpError(f"{target.host}: {str(error) or 'no answer in time'}") from error
        for address in addresses:
            if not is_permitted(address, target.scheme, self._exempt):
                raise BlockedAddressError(f"{target.host} leads to {address}")
        return addresses

    async def _exchange(
        self,
        target: Target,
        address: Address,
        body: bytes,
        headers: Mapping[str, str],
        answer: Answer,
        connect_seconds: float,
    ) -> None:
        """Send the request on an idle connection, or on a new one once there is none left that still holds."""
        while True:
            try:
                await self._send(target, address, body, headers, answer, connect_seconds)
            except StaleConnectionError:
                continue  # Each turn uses one up.
            return

    async def _send(
        self,
        target: Target,
        address: Address,
        body: bytes,
        headers: Mapping[str, str],
        answer: Answer,
        connect_seconds: float,
    ) -> None:
        host = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
        async with self._session.post(
            URL(f"{target.scheme}://{host}:{target.port}{target.path}", encoded=True),  # Octet for octet as it is.
            data=body,
            headers={**headers, "Host": target.host_header},
            allow_redirects=False,
            server_hostname=target.host.rstrip("."),
            timeout=aiohttp.ClientTimeout(sock_connect=connect_seconds, ceil_threshold=60),
        ) as response:
            answer.status, answer.retry_after = response.status, response.headers.get("Retry-After")
            async with asyncio.timeout(None if response.content.is_eof() else BODY_SECONDS):
                async for chunk in response.content.iter_any():
                    answer.body += chunk[: MAX_KEPT_BYTES - len(answer.body)]
