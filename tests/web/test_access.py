from datetime import timedelta
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.kit.codes import encode, new_api_key
from app.web.access import Access, needs, needs_or_receipt, open_to_all
from app.web.state import Callers
from tests.web.client import client_of
from tests.web.example import EXISTING, Example, look_up

CODE = encode(bytes(range(20)))
LIST = "/v1/suggestions"


def detail_of(client: TestClient, authorization: str | None, path: str = LIST) -> tuple[int, str, str | None]:
    """Status, detail and WWW-Authenticate of a GET with this header."""
    answer = client.get(path, headers={"Authorization": authorization} if authorization is not None else {})
    return answer.status_code, answer.json().get("detail", ""), answer.headers.get("WWW-Authenticate")


def test_a_key_with_the_scope_opens(example: Example) -> None:
    key = example.make_key("read")
    client = client_of(example)
    for spelling in (f"Bearer {key}", f"bearer {key}", f"BEARER   {key}", f"Bearer {key} "):
        assert client.get(LIST, headers={"Authorization": spelling}).status_code == 200


def test_any_one_of_the_scopes_is_enough_and_none_implies_another(example: Example) -> None:
    act = f"{LIST}/{EXISTING}/acts/note"
    statuses = {
        scope: client_of(example, example.make_key(scope)).post(act, json={"text": "x"}).status_code
        for scope in ("raise", "review", "admin", "read", "decide")
    }
    assert statuses == {"raise": 200, "review": 200, "admin": 403, "read": 403, "decide": 403}


def test_a_missing_scope_is_named(example: Example) -> None:
    answer = client_of(example, example.make_key("decide")).post(f"{LIST}/{EXISTING}/acts/note", json={"text": "x"})
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert answer.json()["detail"] == "Your key does not carry the scope that this needs: raise or review."


def test_the_detail_says_what_is_wrong_with_a_key(example: Example) -> None:
    client, key = client_of(example), example.make_key("read")
    mistyped = key[:-1] + ("0" if key[-1] != "0" else "1")
    details = {
        "none": detail_of(client, None),
        "another scheme": detail_of(client, f"Basic {key}"),
        "mistyped": detail_of(client, f"Bearer {mistyped}"),
        "cut off": detail_of(client, f"Bearer {key[:-1]}"),
        "unknown": detail_of(client, f"Bearer {new_api_key()}"),
        "a receipt": detail_of(client, f"Bearer hbr_{CODE}"),
    }
    mistyped_key = "This key was mistyped: its last characters, which are computed from the others, do not fit."
    assert details == {
        "none": (401, "Send a valid key in the header Authorization, as in: Authorization: Bearer hb_…", "Bearer"),
        "another scheme": (401, "The header Authorization has another form than: Bearer, a space, the key.", "Bearer"),
        "mistyped": (401, mistyped_key, "Bearer"),
        "cut off": (401, mistyped_key, "Bearer"),
        "unknown": (401, "This key is not known here, or it was revoked or has expired.", "Bearer"),
        "a receipt": (401, "This address takes an API key, which begins with hb_.", "Bearer"),
    }


def test_the_detail_says_what_is_wrong_with_a_receipt_code(example: Example) -> None:
    client = client_of(example)
    other = "2" if CODE[0] != "2" else "3"
    details = {
        "mistyped": detail_of(client, f"Bearer hbr_{other}{CODE[1:]}", "/v1/receipt"),
        "unknown": detail_of(client, f"Bearer hbr_{CODE}", "/v1/receipt"),
        "a key": detail_of(client, f"Bearer {example.make_key('read')}", "/v1/receipt"),
    }
    assert details == {
        "mistyped": (401, "This receipt code was mistyped: its check character does not fit.", "Bearer"),
        "unknown": (401, "This receipt code is not known here, or it is no longer valid.", "Bearer"),
        "a key": (401, "This address takes a receipt code, which begins with hbr_.", "Bearer"),
    }


@pytest.mark.parametrize(
    "spelling",
    [CODE, CODE.lower(), CODE.replace("-", ""), CODE.replace("0", "O").replace("1", "l"), CODE.replace("-", " ")],
)
def test_case_and_hyphens_of_a_receipt_code_do_not_count(example: Example, spelling: str) -> None:
    example.make_receipt(CODE)
    for prefix in ("hbr_", "HBR_"):
        answer = client_of(example).get("/v1/receipt", headers={"Authorization": f"Bearer {prefix}{spelling}"})
        assert (answer.status_code, answer.json()["id"]) == (200, str(EXISTING))


def test_a_receipt_opens_its_own_routes_only(example: Example) -> None:
    client = client_of(example, example.make_receipt(CODE))
    assert client.get("/v1/receipt").status_code == 200
    assert client.get(LIST).status_code == 401
    assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 401  # It asks for a key, of any scope.


def test_a_route_may_take_a_receipt_beside_keys(example: Example) -> None:
    path = "/v1/perceptions"
    statuses = {
        name: client_of(example, token).post(path).status_code
        for name, token in {
            "a key with the scope": example.make_key("measure"),
            "another key": example.make_key("read"),
            "a receipt": example.make_receipt(CODE),
            "another receipt": f"hbr_{encode(bytes(range(1, 21)))}",
            "nothing": None,
        }.items()
    }
    assert statuses == {
        "a key with the scope": 204,
        "another key": 403,
        "a receipt": 204,
        "another receipt": 401,
        "nothing": 401,
    }


# ── who is remembered ──


def test_a_caller_is_looked_up_once_in_five_seconds(example: Example) -> None:
    client = client_of(example, example.make_key("admin"))
    for _ in range(3):
        assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 200
    assert example.memory.reads == 1
    example.clock.pass_seconds(5)
    assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 200
    assert example.memory.reads == 2


def test_a_revoked_key_is_refused_after_five_seconds_at_the_latest(example: Example) -> None:
    client = client_of(example, example.make_key("admin"))
    assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 200
    example.memory.rows.bearers.clear()
    example.clock.pass_seconds(5)
    assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 401


def test_a_revoked_key_is_refused_at_once_where_it_is_said(example: Example) -> None:
    client = client_of(example, example.make_key("admin"))
    assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 200
    example.memory.rows.bearers.clear()
    example.callers.forget(UUID(int=2))  # another organisation's
    assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 200
    example.callers.forget(UUID(int=1))
    assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 401


def test_an_expired_key_is_refused_at_once(example: Example) -> None:
    key = example.make_key("admin", expires_at=example.clock.now + timedelta(seconds=2))
    client = client_of(example, key)
    assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 200
    example.clock.pass_seconds(2)
    assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 401


def test_a_clock_that_is_set_back_keeps_nobody_in(example: Example) -> None:
    client = client_of(example, example.make_key("admin"))
    assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 200
    example.memory.rows.bearers.clear()
    example.clock.pass_seconds(-3600)
    assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 401


def test_guesses_are_not_remembered(example: Example) -> None:
    client = client_of(example)
    for _ in range(3):
        assert detail_of(client, f"Bearer {new_api_key()}")[0] == 401
    assert (example.memory.reads, len(example.callers)) == (3, 0)


def test_only_so_many_are_remembered(example: Example) -> None:
    callers = Callers(example.memory, find=look_up, max_entries=2)
    example.app.state.services.callers = callers
    first, *others = [client_of(example, example.make_key("admin")) for _ in range(3)]
    for client in (first, *others):
        assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 200
    assert (example.memory.reads, len(callers)) == (3, 2)
    for client in (*others, first):
        assert client.post(f"{LIST}/{EXISTING}/pause").status_code == 200
    assert example.memory.reads == 4


# ── what a route declares ──


@pytest.mark.parametrize(
    ("extra", "access"),
    [
        (needs("review", "raise"), Access("key", frozenset({"raise", "review"}))),
        (needs(), Access("key", frozenset())),
        (needs(scheme="receipt"), Access("receipt", frozenset())),
        (needs_or_receipt("measure"), Access("key", frozenset({"measure"}), takes_receipts=True)),
        (open_to_all(), Access(None, frozenset())),
    ],
    ids=["two scopes", "any key", "a receipt", "both", "open"],
)
def test_what_the_document_says_is_what_is_checked(
    extra: dict[str, list[dict[str, list[str]]]], access: Access
) -> None:
    assert Access.of(extra["security"]) == access  # type: ignore[arg-type]


def test_the_scopes_stand_in_a_fixed_order() -> None:
    assert needs("review", "decide", "raise")["security"] == [
        {"key": ["decide"]},
        {"key": ["raise"]},
        {"key": ["review"]},
    ]
