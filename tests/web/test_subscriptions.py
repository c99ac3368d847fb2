"""Subscriptions, deliveries and the feed over HTTP, against a whole server on each database."""

import json
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from tests.databases import KINDS, Databases
from tests.service import MONDAY, Client, Clock, Json, Service, Tenant, eventually, running

EVERYDAY = ("raise", "read", "review", "decide", "webhooks", "admin")
URL = "https://care-app.example.org/heardback"
BODY: Json = {"url": URL, "event_types": ["suggestion.*"]}


@pytest.fixture(scope="module", params=KINDS)
def service(
    databases: Databases, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    url = databases.clone(request.param)
    with running(url, tmp_path_factory.mktemp("service"), Clock()) as made:
        yield made
    databases.drop(url)


@pytest.fixture
def tenant(service: Service) -> Tenant:
    service.clock.move_to(MONDAY)
    return service.tenant()


@pytest.fixture
def client(tenant: Tenant) -> Client:
    return tenant.key(*EVERYDAY)


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, answer.text
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]


def subscribed(client: Client, **members: Any) -> Json:  # noqa: ANN401 -- members of the body
    return client.post("/v1/subscriptions", {**BODY, **members})


def paused(client: Client, **members: Any) -> Json:  # noqa: ANN401 -- members of the body
    made = subscribed(client, **members)
    return client.post(f"/v1/subscriptions/{made['id']}/pause")


def polled(client: Client, subscription: Json, count: int) -> list[Json]:
    """What the subscription is sent, once there are so many."""

    def look() -> list[Json]:
        found: list[Json] = client.get(f"/v1/subscriptions/{subscription['id']}/events")["items"]
        return found if len(found) >= count else []

    return eventually(look)


def test_a_subscription_is_shown_as_it_was_sent_and_its_secret_once(client: Client) -> None:
    sent = {
        **BODY,
        "payload": "full",
        "ordering": "strict",
        "max_in_flight": 3,
        "notifies_authors": True,
        "skip_own": True,
        "headers": {"X-Tenant": "fellside"},
        "description": "The care app",
    }
    answer = client.send("POST", "/v1/subscriptions", sent)
    made = answer.json()
    assert answer.status_code == HTTPStatus.CREATED
    assert answer.headers["location"] == f"/v1/subscriptions/{made['id']}"
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {
        **sent,
        "id": made["id"],
        "state": "active",
        "paused_because": None,
        "created_at": "2026-11-02T09:00:00Z",
    }
    assert client.get(f"/v1/subscriptions/{made['id']}") == made
    assert client.items("/v1/subscriptions") == [made]


def test_what_is_left_out_has_its_default(client: Client) -> None:
    made = subscribed(client)
    wanted = ("payload", "ordering", "max_in_flight", "notifies_authors", "skip_own", "headers", "description")
    assert [made[name] for name in wanted] == ["thin", "none", 8, False, False, {}, None]


def test_a_repetition_shows_no_secret(client: Client) -> None:
    first = client.send("POST", "/v1/subscriptions", BODY, idempotency_key="one")
    again = client.send("POST", "/v1/subscriptions", BODY, idempotency_key="one")
    assert again.status_code == HTTPStatus.CREATED
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == {**first.json(), "secret": None}


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"url": "ftp://care-app.example.org/"}, [("/url", "not_allowed")]),
        ({"url": "https://10.0.0.1/"}, [("/url", "not_allowed")]),
        ({"url": "https://user@example.org/"}, [("/url", "not_allowed")]),
        ({"url": "https://example.org/#part"}, [("/url", "not_allowed")]),
        ({"url": "https://0x7f.1/"}, [("/url", "not_allowed")]),
        ({"event_types": ["suggestion.*", "suggestion.sung"]}, [("/event_types/1", "not_allowed")]),
        ({"event_types": ["suggestion.submitted", "safeguarding.held"]}, [("/event_types/1", "not_allowed")]),
        ({"event_types": ["safeguarding.*"]}, [("/event_types/0", "not_allowed")]),
        ({"event_types": []}, [("/event_types", "too_short")]),
        ({"max_in_flight": 65}, [("/max_in_flight", "out_of_range")]),
        ({"max_in_flight": 0}, [("/max_in_flight", "out_of_range")]),
        ({"notifies_authors": True}, [("/notifies_authors", "not_allowed")]),
        ({"headers": {"Host": "x"}}, [("/headers/Host", "not_allowed")]),
        ({"headers": {"cookie": "x"}}, [("/headers/cookie", "not_allowed")]),
        ({"headers": {"Content-Type": "x"}}, [("/headers/Content-Type", "not_allowed")]),
        ({"headers": {"User-Agent": "x"}}, [("/headers/User-Agent", "not_allowed")]),
        ({"headers": {"Webhook-Signature": "x"}}, [("/headers/Webhook-Signature", "not_allowed")]),
        ({"headers": {"Transfer-Encoding": "chunked"}}, [("/headers/Transfer-Encoding", "not_allowed")]),
        ({"headers": {"a b/c": "x"}}, [("/headers/a b~1c", "not_allowed")]),
        ({"headers": {"X-Name": "ŵy"}}, [("/headers/X-Name", "not_allowed")]),
        ({"headers": {"X-A": "1", "x-a": "2"}}, [("/headers/x-a", "not_allowed")]),
        ({"payload": "fat"}, [("/payload", "not_allowed")]),
        ({"nonsense": 1}, [("/nonsense", "unknown")]),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(client: Client, wrong: Json, found: list[tuple[str, str]]) -> None:
    assert faults(client.send("POST", "/v1/subscriptions", {**BODY, **wrong})) == found


def test_a_merge_patch_changes_what_it_names(client: Client) -> None:
    made = subscribed(client, headers={"X-A": "1", "X-B": "2"}, description="old", max_in_flight=3)
    at = f"/v1/subscriptions/{made['id']}"
    patch = {"headers": {"X-A": None, "X-C": "3"}, "description": None, "max_in_flight": None, "ordering": "strict"}
    changed = client.patch(at, patch)
    del made["secret"]
    changes = {"headers": {"X-B": "2", "X-C": "3"}, "description": None, "max_in_flight": 8, "ordering": "strict"}
    assert changed == {**made, **changes}
    assert client.get(at) == changed
    assert faults(client.send("PATCH", at, {"url": None})) == [("/url", "wrong_type")]
    assert faults(client.send("PATCH", at, {"url": "https://[::1]"})) == [("/url", "not_allowed")]


def test_versions_guard_every_change(client: Client) -> None:
    made = subscribed(client)
    at = f"/v1/subscriptions/{made['id']}"
    stale = client.send("GET", at).headers["etag"]
    client.patch(at, {"description": "changed"}, if_match=stale)
    for method, path, body in (("PATCH", at, {}), ("DELETE", at, None), ("POST", f"{at}/pause", {})):
        assert client.send(method, path, body, if_match=stale).status_code == HTTPStatus.PRECONDITION_FAILED


def test_deleted_is_gone(client: Client) -> None:
    made = subscribed(client)
    at = f"/v1/subscriptions/{made['id']}"
    assert client.send("DELETE", at).status_code == HTTPStatus.NO_CONTENT
    for method, path in (("GET", at), ("DELETE", at), ("GET", f"{at}/events"), ("GET", f"{at}/deliveries")):
        assert client.send(method, path).status_code == HTTPStatus.NOT_FOUND
    assert client.items("/v1/subscriptions") == []


def test_what_another_key_may_not_see_does_not_exist_for_it(tenant: Tenant, client: Client) -> None:
    guarded = subscribed(tenant.key(*EVERYDAY, "safeguard"))
    everywhere, full = subscribed(client), subscribed(client, payload="full")
    at_brough = tenant.key(*EVERYDAY, sites=("brough",))
    mine = subscribed(at_brough)
    assert {one["id"] for one in client.items("/v1/subscriptions")} == {everywhere["id"], full["id"], mine["id"]}
    assert [one["id"] for one in at_brough.items("/v1/subscriptions")] == [mine["id"]]
    assert {one["id"] for one in tenant.key("webhooks").items("/v1/subscriptions")} == {everywhere["id"], mine["id"]}
    for path in ("", "/events", "/deliveries"):
        answer = client.send("GET", f"/v1/subscriptions/{guarded['id']}{path}")
        assert answer.status_code == HTTPStatus.NOT_FOUND
    for verb in ("pause", "resume", "test", "rotate-secret", "replay"):
        answer = client.send("POST", f"/v1/subscriptions/{guarded['id']}/{verb}", {})
        assert answer.status_code == HTTPStatus.NOT_FOUND


def test_a_stranger_finds_nothing(service: Service, client: Client) -> None:
    made = subscribed(client)
    stranger = service.tenant().all
    assert stranger.items("/v1/subscriptions") == []
    assert stranger.send("GET", f"/v1/subscriptions/{made['id']}").status_code == HTTPStatus.NOT_FOUND


def test_nobody_sees_more_by_a_patch(tenant: Tenant, client: Client) -> None:
    made = subscribed(client)
    narrow = tenant.key("webhooks")
    answer = narrow.send("PATCH", f"/v1/subscriptions/{made['id']}", {"payload": "full"})
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.FORBIDDEN, "missing_scope")


def test_a_revoked_key_pauses_what_it_has_made(tenant: Tenant) -> None:
    admin = tenant.all
    key = admin.post("/v1/keys", {"scopes": ["webhooks", "read"], "system": "old-app"})
    made = subscribed(tenant.service.client(key["key"]))
    assert admin.send("DELETE", f"/v1/keys/{key['id']}").status_code == HTTPStatus.NO_CONTENT
    shown = admin.get(f"/v1/subscriptions/{made['id']}")
    assert (shown["state"], shown["paused_because"]) == ("paused", "key_revoked")
    resumed = admin.post(f"/v1/subscriptions/{made['id']}/resume")
    assert (resumed["state"], resumed["paused_because"]) == ("active", None)


def test_rotation_gives_another_secret_once(client: Client) -> None:
    made = subscribed(client)
    at = f"/v1/subscriptions/{made['id']}/rotate-secret"
    first = client.post(at, {"overlap_hours": 24}, idempotency_key="rotate")
    assert first["secret"] != made["secret"]
    assert client.post(at, {"overlap_hours": 24}, idempotency_key="rotate") == {"secret": None}
    assert faults(client.send("POST", at, {"overlap_hours": 169})) == [("/overlap_hours", "out_of_range")]


def test_the_poll_goes_on_behind_a_sequence(client: Client) -> None:
    subscription = paused(client)
    ids = [client.submit()["id"] for _ in range(3)]
    events = polled(client, subscription, 3)
    assert [event["sequence"] for event in events] == [1, 2, 3]
    assert [event["data"]["suggestion_id"] for event in events] == ids
    at = f"/v1/subscriptions/{subscription['id']}/events"
    answer = client.send("GET", f"{at}?after=1&limit=1")
    assert answer.json() == {"items": [events[1]], "next_cursor": "2"}
    assert answer.links["next"]["url"] == f"{at}?after=2&limit=1"
    assert client.get(at, after=3) == {"items": [], "next_cursor": None}
    assert client.send("GET", f"{at}?after=-1").status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_deliveries_are_listed_and_told_of(client: Client) -> None:
    subscription = paused(client)
    for _ in range(3):
        client.submit()
    events = polled(client, subscription, 3)
    listed = client.items(f"/v1/subscriptions/{subscription['id']}/deliveries", limit=2)
    assert [(one["sequence"], one["event_id"]) for one in listed] == [
        (event["sequence"], event["id"]) for event in reversed(events)
    ]
    first = listed[-1]
    assert first == {
        "id": first["id"],
        "event_id": events[0]["id"],
        "event_type": "suggestion.submitted",
        "sequence": 1,
        "state": "pending",
        "next_attempt_at": "2026-11-02T09:00:00Z",
    }
    assert client.get(f"/v1/deliveries/{first['id']}") == {**first, "attempts": []}
    assert client.items(f"/v1/subscriptions/{subscription['id']}/deliveries", state="dead") == []
    assert len(client.items(f"/v1/subscriptions/{subscription['id']}/deliveries", state="pending")) == 3


def test_what_is_hidden_is_withheld_from_lists_too(tenant: Tenant, client: Client) -> None:
    subscription = paused(client)
    suggestion = client.submit()["id"]
    (event,) = polled(client, subscription, 1)
    client.act(suggestion, "hold", route="safeguarding", why="Somebody may be at risk.")
    (listed,) = client.items(f"/v1/subscriptions/{subscription['id']}/deliveries")
    (shown,) = client.get(f"/v1/subscriptions/{subscription['id']}/events")["items"]
    assert (listed["event_id"], listed["event_type"]) == (shown["id"], "event.withheld")
    assert event["id"] not in json.dumps([listed, shown, client.get(f"/v1/deliveries/{listed['id']}")])
    assert shown == {**shown, "type": "event.withheld", "data": {}, "sequence": 1}
    everything = client.get("/v1/events")["items"]
    assert [one["type"] for one in everything] == ["event.withheld"]
    eventually(lambda: _types(tenant.all) == ["suggestion.submitted", "safeguarding.held"])
    assert client.get("/v1/events")["items"] == everything
    assert client.get("/v1/events", types="suggestion.submitted")["items"] == []
    assert client.get("/v1/events", types="event.withheld")["items"] == everything


def test_the_feed_is_paged_and_ends_with_an_empty_page(client: Client) -> None:
    subscription = paused(client)
    ids = [client.submit()["id"] for _ in range(3)]
    polled(client, subscription, 3)
    first = client.send("GET", "/v1/events?limit=2")
    assert [one["data"]["suggestion_id"] for one in first.json()["items"]] == ids[:2]
    assert all(set(one) == {"id", "type", "timestamp", "data"} for one in first.json()["items"])
    second = client.send("GET", first.links["next"]["url"])
    assert [one["data"]["suggestion_id"] for one in second.json()["items"]] == ids[2:]
    end = client.get("/v1/events", after=second.json()["next_cursor"])
    assert end == {"items": [], "next_cursor": second.json()["next_cursor"]}


@pytest.mark.parametrize("cursor", ["nonsense", "A" * 32, "", "é"])
def test_a_cursor_that_was_made_up_is_refused(client: Client, cursor: str) -> None:
    answer = client.send("GET", f"/v1/events?{httpx.QueryParams({'after': cursor})}")
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.BAD_REQUEST, "invalid_cursor")


def test_a_cursor_of_another_organisation_is_refused(service: Service, client: Client) -> None:
    cursor = client.get("/v1/events")["next_cursor"]
    answer = service.tenant().all.send("GET", f"/v1/events?after={cursor}")
    assert answer.json()["code"] == "invalid_cursor"


def test_types_that_there_are_not_are_refused(client: Client) -> None:
    assert faults(client.send("GET", "/v1/events?types=suggestion.sung")) == [("?types", "not_allowed")]


def test_the_stream_tells_what_comes_and_goes_on_where_it_broke(client: Client) -> None:
    found: list[tuple[str, Json]] = []
    ready = threading.Event()
    listening = threading.Thread(target=lambda: found.extend(_listen(client, 1, ready)))
    listening.start()
    assert ready.wait(20)
    live = client.submit()["id"]
    listening.join(20)
    assert [event["data"]["suggestion_id"] for _, event in found] == [live]
    missed = [client.submit()["id"] for _ in range(2)]
    caught = _listen(client, 2, threading.Event(), last=found[0][0])
    assert [event["data"]["suggestion_id"] for _, event in caught] == missed
    assert client.get("/v1/events", after=found[0][0])["items"] == [event for _, event in caught]


def test_the_stream_checks_where_it_goes_on(client: Client) -> None:
    answer = client.send("GET", "/v1/events/stream", last_event_id="nonsense")
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.BAD_REQUEST, "invalid_cursor")
    head = client.send("HEAD", "/v1/events/stream")
    assert (head.status_code, head.headers["content-type"]) == (HTTPStatus.OK, "text/event-stream; charset=utf-8")


def test_a_ping_that_does_not_get_through_says_why(client: Client) -> None:
    made = subscribed(client, url="http://127.0.0.1:9/nobody-listens")
    answer = client.post(f"/v1/subscriptions/{made['id']}/test")
    assert answer == {"ok": False, "status": None, "milliseconds": answer["milliseconds"], "error": "refused"}


def test_replay_counts_what_it_sends(client: Client) -> None:
    made = subscribed(client, url="http://127.0.0.1:9/nobody-listens")
    client.submit()
    delivery = eventually(lambda: client.items(f"/v1/subscriptions/{made['id']}/deliveries"))[0]
    at = f"/v1/deliveries/{delivery['id']}"
    for tries in range(1, 8):
        eventually(lambda wanted=tries: len(client.get(at)["attempts"]) >= wanted)  # type: ignore[misc]
        client.service.clock.pass_time(minutes=1)
    assert client.get(at)["state"] == "dead"
    replay = f"/v1/subscriptions/{made['id']}/replay"
    assert client.post(replay, {"dry_run": True}) == {"deliveries": 1}
    assert client.post(replay, {"types": ["report.*"]}) == {"deliveries": 0}
    assert client.post(replay, {"to": "2026-11-01T00:00:00Z"}) == {"deliveries": 0}
    answer = client.send("POST", replay, {"from": "2026-11-02T09:00:00Z"}, idempotency_key="replay")
    assert (answer.status_code, answer.json()) == (HTTPStatus.ACCEPTED, {"deliveries": 1})
    assert client.post(replay, {"from": "2026-11-02T09:00:00Z"}, idempotency_key="replay") == {"deliveries": 1}
    eventually(lambda: len(client.get(at)["attempts"]) >= 8)
    assert faults(client.send("POST", replay, {"types": ["safeguarding.*"]})) == [("/types/0", "not_allowed")]


def test_redelivery_is_taken(client: Client) -> None:
    subscription = paused(client)
    client.submit()
    polled(client, subscription, 1)
    (listed,) = client.items(f"/v1/subscriptions/{subscription['id']}/deliveries")
    answer = client.send("POST", f"/v1/deliveries/{listed['id']}/redeliver")
    assert (answer.status_code, answer.json()) == (HTTPStatus.ACCEPTED, {**listed, "attempts": []})


def _types(client: Client) -> list[str]:
    """The types of everything in the feed."""
    return [event["type"] for event in client.get("/v1/events")["items"]]


def _listen(client: Client, count: int, ready: threading.Event, last: str | None = None) -> list[tuple[str, Json]]:
    headers = {"Authorization": f"Bearer {client.token}"} | ({"Last-Event-ID": last} if last else {})
    found: list[tuple[str, Json]] = []
    cursor = ""
    with client.service.http.stream("GET", "/v1/events/stream", headers=headers) as stream:
        assert stream.status_code == HTTPStatus.OK
        ready.set()
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                cursor = value
            elif name == "data":
                found.append((cursor, json.loads(value)))
                if len(found) == count:
                    return found
    raise AssertionError("the stream ended")


def test_a_reader_sees_what_it_has_just_done(client: Client) -> None:
    subscription = paused(client)
    at = f"/v1/subscriptions/{subscription['id']}/events"
    for count in range(1, 6):
        made = client.submit()["id"]
        assert [event["data"]["suggestion_id"] for event in client.get("/v1/events")["items"]][count - 1 :] == [made]
        assert len(client.get(at)["items"]) == count
