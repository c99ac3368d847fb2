"""The rules of addresses and URLs, as tables."""

from ipaddress import ip_address, ip_network

import pytest

from app.kit.addresses import MAX_URL_LENGTH, URLNotAllowedError, is_permitted, is_public, parse_url

# The last before and the first after each refused network are among them.
PUBLIC = """
1.0.0.0 1.1.1.1 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0
192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255
198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
2000:: 2001:200::1 2001:db7:ffff::1 2001:db9::1 2001:4860:4860::8888 2003::1 2606:4700::1111
2a00:1450:4001::200e 3ffe:ffff::1 3fff:1000::1
"""
REFUSED = """
0.0.0.0 0.1.2.3 0.255.255.255 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.255.255.254 168.63.129.16 169.254.0.0 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1
192.0.0.9 192.0.0.170 192.0.2.1 192.88.99.1 192.168.1.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1
203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.254 255.255.255.255
:: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:7f00:1 64:ff9b::7f00:1 64:ff9b::808:808
64:ff9b:1::1 100::1 100:0:0:1::1 1fff:ffff::1 2001::1 2001:0:4136:e378::1 2001:2::1 2001:10::1 2001:20::1
2001:1ff:ffff::1 2001:db8::1 2001:db8:ffff::1 2002:7f00:1::1 2002:808:808::1 3fff::1 3fff:fff::1 4000::1 5f00::1
fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1 2a00:1450::5efe:7f00:1 2a00:1450::200:5efe:a00:1
fe80::5efe:7f00:1
"""


@pytest.mark.parametrize("text", PUBLIC.split())
def test_public_addresses(text: str) -> None:
    address = ip_address(text)
    assert is_public(address)
    assert is_permitted(address, "https", ())
    assert not is_permitted(address, "http", ())


@pytest.mark.parametrize("text", REFUSED.split())
def test_addresses_that_are_refused_unless_they_are_exempt(text: str) -> None:
    address = ip_address(text)
    assert not is_public(address)
    assert not is_permitted(address, "https", [ip_network("10.9.0.0/16"), ip_network("fd12::/16")])
    exempt = [ip_network(text.partition("%")[0])]
    assert is_permitted(address, "http", exempt)
    assert is_permitted(address, "https", exempt)


def test_an_exemption_is_as_wide_as_its_network_and_form() -> None:
    exempt = [ip_network("127.0.0.9/32")]
    assert is_permitted(ip_address("127.0.0.9"), "http", exempt)
    assert not is_permitted(ip_address("127.0.0.8"), "https", exempt)
    assert not is_permitted(ip_address("::ffff:127.0.0.9"), "https", exempt)


@pytest.mark.parametrize(
    ("url", "host_header", "path"),
    [
        ("https://a.example", "a.example", "/"),
        ("https://a.example:443/x?y=%2F/../z", "a.example", "/x?y=%2F/../z"),
        ("https://a.example:80/", "a.example:80", "/"),
        ("https://A-1.b_c.example.:8443?q", "A-1.b_c.example.:8443", "/?q"),
        ("https://localhost/", "localhost", "/"),
        ("https://8.8.8.8/", "8.8.8.8", "/"),
        ("https://[2606:4700:0:0::1111]:444/", "[2606:4700::1111]:444", "/"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", "/"),
        ("https://1.2.3.4.example/", "1.2.3.4.example", "/"),
        ("https://a.example/@:[]|{}^`\"<>'", "a.example", "/@:[]|{}^`\"<>'"),
        ("https://127.0.0.9/", "127.0.0.9", "/"),
        ("http://127.0.0.9:80/", "127.0.0.9", "/"),
        ("http://name:8000/", "name:8000", "/"),
        ("https://a.example/" + "x" * (MAX_URL_LENGTH - 18), "a.example", "/" + "x" * (MAX_URL_LENGTH - 18)),
    ],
)
def test_urls_that_may_be_called(url: str, host_header: str, path: str) -> None:
    target = parse_url(url, [ip_network("127.0.0.9/32")])
    assert (target.host_header, target.path) == (host_header, path)
    assert url.startswith(target.scheme)


def test_a_target_says_where_to_go() -> None:
    target = parse_url("https://[2606:4700:0:0::1111]:444/?a", ())
    assert (target.host, target.port, target.literal) == ("2606:4700::1111", 444, ip_address("2606:4700::1111"))
    target = parse_url("https://A.example", ())
    assert (target.host, target.port, target.literal) == ("A.example", 443, None)


REFUSED_HOSTS_AND_PATHS = [
    # nothing that could be a host
    "", "/", "//", "///x", ":", ":443", "?", "[", "[]/", ".", "./", "-/", "*/", "*.example/",
    # IPv4 in other spellings than four plain decimals
    "127.1/", "127.0.1/", "127.0.0.01/", "2130706433/", "0x7f000001/", "0x7f.1/", "0X7F.0.0.1/", "0177.0.0.1/", "0/",
    "8.8.8.8./", "1.2.3/", "1.2.3.4.5/", "256.1.1.1/", "a.0x/", "a.09/", "a.1/", "127.0.0.1%00/",
    "127。0。0。1/", "①②⑦.⓪.⓪.①/", "\u0661\u0662\u0667.0.0.1/",
    # IPv6
    "[::1]/", "[::ffff:8.8.8.8]/", "[fe80::1%25eth0]/", "[fe80::1%eth0]/", "[::1/", "::1/", "[8.8.8.8]/", "[:]/",
    "[v1.a]/", "[2606:4700::1111/", "[2606:4700::1111]x/", "2606:4700::1111]/", "[64:ff9b::8.8.8.8]/",
    # other alphabets
    "bücher.example/", "ex\u0430mple.com/", "\uff41.example/", "b.example/é", "b.exam\u00adple/", "b.example\u2044x/",
    # users, fragments, and what parsers differ about
    "a@b.example/", "a:b@b.example/", "@b.example/", "b.example@/", "b.example/#f", "b.example#",
    "b.example#@c.example/", "b.example\\@c.example/", "b.example/\\", "\\b.example/",
    "b.example;/", "b.example&/", "b.example,c.example/",
    "b%00.example/", "loc%61lhost/", "b.example%2f/", "b.example/ x", "b.example /", " b.example/",
    "b.example/\r\nX: 1", "b.example/\n", "b.ex\tample/", "b.example/\x00", "b.example/\x7f", "b.example\x00/",
    # ports
    "b.example:0/", "b.example:65536/", "b.example:99999/", "b.example:-1/", "b.example:+1/", "b.example:x/",
    "b.example:/", "b.example:443:443/", "b.example:443x/", "b.example:\u0664/",
    # names
    "b..example/", ".b.example/", "-b.example/", "b-.example/", "b.example../", "a" * 64 + ".example/",
    "a." * 128 + "example/",
    # what is not public
    "0.0.0.0/", "10.0.0.1/", "100.64.0.1/", "127.0.0.1/", "169.254.169.254/", "192.168.0.1/", "168.63.129.16/",
    # too long
    "b.example/" + "x" * MAX_URL_LENGTH,
]  # fmt: skip


@pytest.mark.parametrize("rest", REFUSED_HOSTS_AND_PATHS)
def test_urls_that_may_not_be_called(rest: str) -> None:
    for scheme in ("https://", "http://", "HTTPS://", "ftp://", "https:/", "https:", "//", ""):
        with pytest.raises(URLNotAllowedError) as caught:
            parse_url(scheme + rest, ())
        assert len(rest) < 12 or rest not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["", "a.example", "http://a.example/", "ws://a.example/", "file:///etc/passwd", "https:a.example", "javascript:x"],
)
def test_without_exempt_networks_https_is_the_only_scheme(url: str) -> None:
    with pytest.raises(URLNotAllowedError):
        parse_url(url, ())


def test_an_exemption_opens_nothing_else() -> None:
    exempt = [ip_network("127.0.0.0/8")]
    for url in ("http://8.8.8.8/", "https://10.0.0.1/", "ftp://127.0.0.1/", "http://127.1/", "http://u@127.0.0.1/"):
        with pytest.raises(URLNotAllowedError):
            parse_url(url, exempt)
