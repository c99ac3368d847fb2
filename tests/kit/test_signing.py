"""Signatures against published vectors, hostile headers, and the reference packages of PyPI and npm."""

import base64
import json
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.kit import signing
from app.kit.signing import (
    InvalidSecretError,
    InvalidSignatureError,
    MalformedHeaderError,
    MissingHeaderError,
    SignatureError,
    Stamp,
    TimestampOutOfToleranceError,
)


@dataclass(frozen=True)
class Vector:
    secret: str
    message_id: str
    timestamp: int
    body: bytes
    signature: str


# The example of the specification, and the one of its reference implementations' documentation.
SPECIFICATION = Vector(
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1614265330,
    b'{"test": 2432232314}',
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
)
DOCUMENTATION = Vector(
    SPECIFICATION.secret,
    "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
    1674087231,
    b'{"type":"contact.created","timestamp":"2022-11-03T20:26:10.344522Z",'
    b'"data":{"id":"1f81eb52-5198-4599-803e-771906343485"}}',
    "v1,ARw42xaAApl/nxRo+iPGYwSaMQaOwMo2eyH5JBRA+bQ=",
)
KEY, ID, AT, BODY = SPECIFICATION.secret, SPECIFICATION.message_id, SPECIFICATION.timestamp, SPECIFICATION.body
RIGHT = SPECIFICATION.signature
OTHER = "whsec_" + base64.b64encode(bytes(range(64))).decode()


def headers(**changes: str) -> list[tuple[str, str]]:
    own = {"webhook-id": ID, "webhook-timestamp": str(AT), "webhook-signature": RIGHT}
    return list((own | {f"webhook-{name}": value for name, value in changes.items()}).items())


def judge(
    given: list[tuple[str, str]], *, secrets: tuple[str, ...] = (KEY,), body: bytes = BODY, now: float = AT
) -> Stamp:
    stamp = signing.read_headers(given)
    signing.verify(secrets, stamp, body, now)
    return stamp


@pytest.mark.parametrize("vector", [SPECIFICATION, DOCUMENTATION])
def test_published_vectors(vector: Vector) -> None:
    signed = signing.sign([vector.secret], vector.message_id, vector.timestamp, vector.body)
    assert signed == {
        "webhook-id": vector.message_id,
        "webhook-timestamp": str(vector.timestamp),
        "webhook-signature": vector.signature,
    }
    assert judge(list(signed.items()), body=vector.body, now=vector.timestamp) == Stamp(
        vector.message_id, vector.timestamp, str(vector.timestamp), (vector.signature,)
    )


@pytest.mark.parametrize("secrets", [(KEY, OTHER), (OTHER, KEY)])
def test_any_secret_in_use_and_any_place_in_the_header(secrets: tuple[str, ...]) -> None:
    signed = signing.sign(secrets, ID, AT, BODY)
    assert len(signed["webhook-signature"].split(" ")) == 2
    for secret in secrets:
        assert judge(list(signed.items()), secrets=(secret,)).message_id == ID
    assert judge(headers(), secrets=secrets).message_id == ID
    assert judge(headers(signature=f"v1a,xyz  v1,short v1 , v1,{RIGHT} {RIGHT}")).message_id == ID


@pytest.mark.parametrize("body", [b"", b"\xff\xfe{}", b'\xef\xbb\xbf{"a":1}', b'{\r\n\t"a": 1\r\n}\n', b"\x00" * 1000])
def test_bytes_are_signed_as_they_are(body: bytes) -> None:
    signed = list(signing.sign([KEY], ID, AT, body).items())
    assert judge(signed, body=body).message_id == ID
    with pytest.raises(InvalidSignatureError):
        judge(signed, body=body + b" ")


def test_names_of_headers_in_any_case_among_others() -> None:
    given = [("Host", "a"), *((name.title(), value) for name, value in headers()), ("X-Webhook-Id", "b")]
    assert judge(given).message_id == ID


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (headers()[1:], "webhook-id"),
        (headers()[:1] + headers()[2:], "webhook-timestamp"),
        (headers()[:2], "webhook-signature"),
        ([], "webhook-id"),
    ],
)
def test_missing_headers(given: list[tuple[str, str]], name: str) -> None:
    with pytest.raises(MissingHeaderError) as caught:
        judge(given)
    assert caught.value.args == (name,)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (headers() + headers()[:1], "webhook-id"),
        ([*headers(), ("Webhook-Signature", RIGHT)], "webhook-signature"),
        *((headers(id=text), "webhook-id") for text in ("", "a.b", "ü", ID + "\n", "x" * 129, "a b", "\udc80")),
        *(
            (headers(timestamp=text), "webhook-timestamp")
            for text in ("", " 1", "+1", "-1", "1e9", "1.0", "1_0", "\u0661", "nan", "1" * 12, "1\n", "\udc80")
        ),
        (headers(signature=" ".join([RIGHT] * 17)), "webhook-signature"),
        (headers(signature=" " * 5000), "webhook-signature"),
    ],
)
def test_malformed_headers(given: list[tuple[str, str]], name: str) -> None:
    with pytest.raises(MalformedHeaderError) as caught:
        judge(given)
    assert caught.value.args == (name,)


@pytest.mark.parametrize(
    "given",
    [
        headers(id="other"),
        headers(timestamp="0" + str(AT)),
        headers(timestamp=str(AT + 1)),
        *(
            headers(signature=text)
            for text in (
                "",
                RIGHT[:-2] + "F=",  # the same bytes in another spelling of base64
                RIGHT + "\n",
                RIGHT[3:],
                RIGHT.replace("v1", "v2"),
                RIGHT.upper(),
                "v1,",
                "v1,é",
                "\udc80",
                "v1a," + RIGHT[3:],
                RIGHT.replace(",", ", "),
            )
        ),
    ],
)
def test_wrong_signatures(given: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidSignatureError):
        judge(given)


def test_without_a_secret_nothing_is_right() -> None:
    with pytest.raises(InvalidSignatureError):
        judge(headers(), secrets=())
    with pytest.raises(ValueError, match="at least one secret"):
        signing.sign([], ID, AT, BODY)


@pytest.mark.parametrize("message_id", ["", "a.b", "x" * 129, "a\n"])
def test_an_id_that_receivers_refuse_is_not_signed(message_id: str) -> None:
    with pytest.raises(ValueError, match="an id"):
        signing.sign([KEY], message_id, AT, BODY)


def test_whatever_the_headers_hold_nothing_else_is_raised() -> None:
    chance = random.Random(1)  # noqa: S311 -- examples that are the same in every run
    for _ in range(20_000):
        noise = "".join(chance.choices('v1, =+/.\x00\n\xe9\u0661\udc80"Aa0_-', k=chance.randrange(60)))
        with pytest.raises(SignatureError):
            judge(headers(**{chance.choice(["id", "timestamp", "signature"]): noise}))


@pytest.mark.parametrize("skew_seconds", [-300, 0, 299.9, 300])
def test_clocks_may_differ_by_five_minutes(skew_seconds: float) -> None:
    assert judge(headers(), now=AT + skew_seconds).timestamp == AT


@pytest.mark.parametrize(("skew_seconds", "told"), [(301, 301), (-300.6, -301), (1e9, 10**9)])
def test_the_clock_is_judged_after_the_signature(skew_seconds: float, told: int) -> None:
    with pytest.raises(TimestampOutOfToleranceError) as caught:
        judge(headers(), now=AT + skew_seconds)
    assert caught.value.skew_seconds == told
    with pytest.raises(InvalidSignatureError):
        judge(headers(), secrets=(OTHER,), now=AT + skew_seconds)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_AAAA", KEY[6:], "whsec_" + "A" * 88, "whsec_é" + "A" * 31, KEY + "!", KEY + "\n"]
)
def test_a_text_that_is_no_secret_is_not_repeated(secret: str) -> None:
    with pytest.raises(InvalidSecretError, match=r"^a secret is whsec_ and base64 of 24 to 64 bytes$"):
        signing.sign([secret], ID, AT, BODY)


def test_new_secrets() -> None:
    made = {signing.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(base64.b64decode(secret.removeprefix("whsec_"))) for secret in made} == {32}


# --- the reference packages
BODIES = [
    b"{}",
    b"",
    '{"note":"Café – naïve £5 😀 日本"}'.encode(),
    b'{\r\n\t"a": 1\r\n}\n',
    b'{"b":1,"a":2,"b":3,"f":1E400}',
    rb'{"u":"https:\/\/x","z":"\u0000"}',
]
Ask = Callable[[list[dict[str, object]]], list[object]]


@pytest.mark.parametrize("body", BODIES)
def test_the_package_of_pypi_in_both_directions(body: bytes) -> None:
    now = int(time.time())
    theirs = Webhook(KEY).sign(ID, datetime.fromtimestamp(now, UTC), body.decode())
    assert judge(headers(timestamp=str(now), signature=theirs), secrets=(OTHER, KEY), body=body, now=now).tokens
    ours = signing.sign([OTHER, KEY], ID, now, body)
    for secret in (KEY, OTHER):
        assert Webhook(secret).verify(body, ours, json_parse=False) is None
    with pytest.raises(WebhookVerificationError):
        Webhook(KEY).verify(body, signing.sign([OTHER], ID, now, body))


@pytest.fixture(scope="module")
def ask_npm() -> Ask:
    """Return the way to ask the package of npm, which bin/setup installs where there is npm."""
    folder = Path(__file__).parent / "reference"
    if shutil.which("node") is None or not (folder.parents[2] / "node_modules/standardwebhooks").exists():
        pytest.skip("This test needs node and npm on the PATH; on Debian, `apt-get install nodejs npm` brings both.")

    def ask(questions: list[dict[str, object]]) -> list[object]:
        text = json.dumps(questions)
        ran = subprocess.run(["node", "answer.js"], cwd=folder, input=text, capture_output=True, text=True, check=True)
        answers: list[object] = json.loads(ran.stdout)
        return answers

    return ask


def test_the_package_of_npm_signs_alike(ask_npm: Ask) -> None:
    asked = [(secret, body) for secret in (KEY, OTHER) for body in BODIES]
    answers = ask_npm(
        [
            {"secret": secret, "id": ID, "timestamp": AT, "body": base64.b64encode(body).decode()}
            for secret, body in asked
        ]
    )
    assert answers == [signing.sign([secret], ID, AT, body)["webhook-signature"] for secret, body in asked]
    for (secret, body), answer in zip(asked, answers, strict=True):
        assert judge(headers(signature=str(answer)), secrets=(secret,), body=body).tokens == (answer,)


def test_the_package_of_npm_accepts_what_we_sign_and_nothing_else(ask_npm: Ask) -> None:
    now, body = int(time.time()), BODIES[2]
    both = signing.sign([OTHER, KEY], ID, now, body)
    given = [
        both,
        signing.sign([OTHER], ID, now, body),
        both | {"webhook-id": "other"},
        both | {"webhook-timestamp": str(now + 1)},
        signing.sign([KEY], ID, now - 400, body),
    ]
    encoded = base64.b64encode(body).decode()
    answers = ask_npm([{"secret": KEY, "headers": one, "body": encoded} for one in given])
    assert answers == [True, False, False, False, False]
