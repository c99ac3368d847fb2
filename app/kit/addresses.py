"""Which addresses and URLs a stranger may have us call: rules alone, without any look-up.

The table of addresses is our own, because `ipaddress.is_global` differs between patch releases of Python
(CVE-2024-4032) and takes forms for global that lead on to another address. Sources: IANA's special-purpose address
registries for IPv4 and IPv6 (RFC 6890), and for the forms that carry an IPv4 address RFC 4291 section 2.5 (compatible
and mapped), RFC 3056 (6to4), RFC 7526 (its relays), RFC 4380 (Teredo), RFC 6052 and RFC 8215 (NAT64) and RFC 5214
(ISATAP). RFC 3879 took the site-local addresses away. 168.63.129.16 is, in public space, the host of every machine of
Azure's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL_LENGTH = 2000
MAX_PORT = 65535

_REFUSED_IPV4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by a carrier's customers
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host
        "169.254.0.0/16",  # link-local, with the metadata services of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, with the broadcast address
    )
)
_GLOBAL_IPV6 = IPv6Network("2000::/3")  # All that IANA has given out; the mapped, NAT64 and local forms lie outside.
_REFUSED_IPV6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # The upper half of the interface identifier; the lower is an IPv4 address.

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,254})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>[/?][\x21-\x7e]*)?"
)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


class URLNotAllowedError(ValueError):
    """The URL may not be called; the message is a sentence for the one who has given it, and does not repeat it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that has been judged: where to go, and what to ask for there."""

    scheme: str
    """`http` or `https`."""
    host: str
    """A name, or the text of `literal` without brackets."""
    port: int
    path: str
    """With the query, octet for octet as it was given."""
    literal: Address | None
    """The address, where the URL holds one instead of a name."""

    @property
    def host_header(self) -> str:
        """The host, and the port where it is not the scheme's own (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _default_port(self.scheme) else f"{host}:{self.port}"


@lru_cache(maxsize=4096)
def is_public(address: Address) -> bool:
    """Say whether the address is global unicast, and no form that leads on to another address."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_IPV4)
    if address not in _GLOBAL_IPV6 or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return False
    return not any(address in network for network in _REFUSED_IPV6)


def is_permitted(address: Address, scheme: str, exempt: Iterable[Network]) -> bool:
    """Say whether `scheme` may be spoken with the address: with exempt networks both, with public ones https alone."""
    return any(address in network for network in exempt) or (scheme == "https" and is_public(address))


def parse_url(url: str, exempt: Iterable[Network]) -> Target:
    """Judge a URL without a look-up, when it is registered and again at each call.

    One grammar holds for the whole text, in place of a lenient parser and checks behind it. What two parsers might
    read differently is refused: a user, a fragment, a backslash, white space, a percent sign in the host, and other
    alphabets, whose names are written in their ASCII form (`xn--…`). A host whose last label is a number is an IPv4
    address in four plain decimals, or nothing (WHATWG URL, "ends in a number"). Plain http is for exempt networks
    alone, and so is an address that is not public.

    Raises URLNotAllowedError. A name is judged by its addresses, and that at each call.
    """
    exempt = tuple(exempt)
    found = _URL.fullmatch(url) if len(url) <= MAX_URL_LENGTH else None
    if found is None or "#" in url or "\\" in url:
        raise URLNotAllowedError(
            f"An absolute https URL in ASCII is needed, without a user or a fragment, of at most {MAX_URL_LENGTH} "
            "characters."
        )
    scheme, host, path = found["scheme"], found["host"], found["path"] or "/"
    port = int(found["port"]) if found["port"] else _default_port(scheme)
    if not 1 <= port <= MAX_PORT:
        raise URLNotAllowedError("The URL names a port that does not exist.")
    literal = _parse_literal(host)
    if literal is None and not all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split(".")):
        raise URLNotAllowedError("The URL does not name a host.")
    if (scheme == "http" and not exempt) or (literal and not is_permitted(literal, scheme, exempt)):
        raise URLNotAllowedError("Only public addresses may be called, and only by https.")
    return Target(scheme, str(literal or host), port, path if path[0] == "/" else f"/{path}", literal)


def _parse_literal(host: str) -> Address | None:
    try:
        if host[0] == "[":
            return IPv6Address(host[1:-1])
        if _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]):
            return IPv4Address(host)
    except AddressValueError:
        raise URLNotAllowedError(
            "An IPv4 address is written as four plain decimals, an IPv6 address in brackets."
        ) from None
    return None


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
