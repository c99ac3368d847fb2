"""Sources: made with a secret that is shown once, changed, given new secrets, deleted."""

import base64
from uuid import uuid4

import pytest

from tests.reports.sending import Source, ago, make_source, report
from tests.service import Json, Tenant

ROTA: Json = {"name": "Rota system", "scheme": "standard_webhooks"}


def test_a_source_is_made_and_its_secret_shown_once(tenant: Tenant) -> None:
    answer = tenant.all.send("POST", "/v1/sources", {**ROTA, "sites": ["brough"], "system": "care-app"})
    made = answer.json()
    secret = made.pop("secret")
    assert (answer.status_code, answer.headers["location"], made) == (
        201,
        f"/v1/sources/{made['id']}",
        {
            "id": made["id"],
            **ROTA,
            "sites": [tenant.sites["brough"]],
            "system": "care-app",
            "inbound_url": f"{tenant.service.url}/v1/inbound/{made['id']}",
            "created_at": "2026-11-02T09:00:00Z",
        },
    )
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    shown = tenant.all.send("GET", f"/v1/sources/{made['id']}")
    assert (shown.json(), bool(shown.headers["etag"])) == (made, True)


def test_a_repetition_shows_the_source_without_its_secret(tenant: Tenant) -> None:
    first, again = (tenant.all.send("POST", "/v1/sources", ROTA, idempotency_key="once") for _ in range(2))
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (
        201,
        {**first.json(), "secret": None},
        "true",
    )


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"scheme": "standard_webhooks"}, "/name", "missing"),
        ({"name": "Rota"}, "/scheme", "missing"),
        ({**ROTA, "scheme": "hmac"}, "/scheme", "not_allowed"),
        ({**ROTA, "mapping": {}}, "/mapping", "unknown"),
        ({**ROTA, "sites": ["nowhere"]}, "/sites/0", "not_found"),
        ({**ROTA, "sites": []}, "/sites", "too_short"),
    ],
)
def test_a_fault_is_refused_at_its_place(tenant: Tenant, body: Json, pointer: str, code: str) -> None:
    answer = tenant.all.send("POST", "/v1/sources", body)
    assert (answer.status_code, [(one["pointer"], one["code"]) for one in answer.json()["errors"]]) == (
        422,
        [(pointer, code)],
    )


def test_a_source_is_changed_by_a_merge_patch(tenant: Tenant) -> None:
    made = make_source(tenant.all, system="care-app", sites=["brough"])
    path = f"/v1/sources/{made.id}"
    tag = tenant.all.send("GET", path).headers["etag"]
    changed = tenant.all.patch(path, {"name": "Rota, new server", "system": None, "sites": None}, if_match=tag)
    assert (changed["name"], changed["system"], changed["sites"]) == ("Rota, new server", None, None)
    again = tenant.all.send("PATCH", path, {"name": "x"}, if_match=tag)
    assert (again.status_code, again.json()["code"]) == (412, "version_mismatch")
    assert tenant.all.send("PATCH", path, {"name": None}).status_code == 422


def test_sources_are_listed_in_their_order(tenant: Tenant) -> None:
    made = []
    for _ in range(3):
        made.append(make_source(tenant.all).id)
        tenant.service.clock.pass_time(seconds=1)
    assert [one["id"] for one in tenant.all.items("/v1/sources", limit=2)] == made


def test_both_secrets_verify_for_the_overlap(tenant: Tenant, source: Source, target: str) -> None:
    new = tenant.all.post(f"/v1/sources/{source.id}/rotate-secret", {"overlap_hours": 2})["secret"]

    def is_taken(secret: str) -> bool:
        body = report("planned", target, ago(source.service, days=1))
        return source.send(body, secret=secret).status_code == 200

    before = (is_taken(source.secret), is_taken(new))
    source.service.clock.pass_time(hours=2)
    assert (before, is_taken(source.secret), is_taken(new)) == ((True, True), False, True)


def test_an_old_secret_is_out_at_once_if_that_is_wanted(tenant: Tenant, source: Source) -> None:
    new = tenant.all.post(f"/v1/sources/{source.id}/rotate-secret", {"overlap_hours": 0})["secret"]
    assert [source.send({"type": "ping"}, secret=secret).status_code for secret in (source.secret, new)] == [401, 200]


@pytest.mark.parametrize("hours", [-1, 169, 1.5])
def test_the_overlap_has_bounds(tenant: Tenant, source: Source, hours: float) -> None:
    path = f"/v1/sources/{source.id}/rotate-secret"
    assert tenant.all.send("POST", path, {"overlap_hours": hours}).status_code == 422
    assert source.send({"type": "ping"}).status_code == 200


def test_the_default_overlap_is_a_day(tenant: Tenant, source: Source) -> None:
    tenant.all.post(f"/v1/sources/{source.id}/rotate-secret")
    source.service.clock.pass_time(hours=23)
    before = source.send({"type": "ping"}).status_code
    source.service.clock.pass_time(hours=1)
    assert (before, source.send({"type": "ping"}).status_code) == (200, 401)


def test_a_deleted_source_is_not_found_and_its_reports_stay(tenant: Tenant, source: Source, target: str) -> None:
    kept = source.report("planned", target, ago(source.service, days=1))["report_id"]
    path = f"/v1/sources/{source.id}"
    answers = [tenant.all.send(method, path) for method in ("DELETE", "GET", "DELETE")]
    assert [answer.status_code for answer in answers] == [204, 404, 404]
    assert (tenant.all.items("/v1/sources"), tenant.all.get(f"/v1/reports/{kept}")["source_id"]) == ([], source.id)


def test_sources_need_their_scope(tenant: Tenant, source: Source) -> None:
    others = tenant.key("read", "report", "admin")
    answers = [others.send("POST", "/v1/sources", ROTA), others.send("GET", f"/v1/sources/{source.id}")]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "missing_scope")] * 2


def test_the_sources_of_others_do_not_exist(tenant: Tenant, source: Source) -> None:
    stranger = tenant.service.tenant().all
    paths = (f"/v1/sources/{source.id}", f"/v1/sources/{uuid4()}")
    assert [stranger.send("GET", path).status_code for path in paths] == [404, 404]
    assert stranger.items("/v1/sources") == []


def test_a_key_for_one_site_manages_sources_for_that_site_only(tenant: Tenant) -> None:
    two = tenant.service.tenant(sites=("brough", "kirkby"))
    everywhere, elsewhere = make_source(two.all), make_source(two.all, sites=["kirkby"])
    limited = two.key("webhooks", sites=("brough",))
    own = make_source(limited)
    assert [one["id"] for one in limited.items("/v1/sources")] == [own.id]
    assert limited.get(f"/v1/sources/{own.id}")["sites"] == [two.sites["brough"]]
    assert [limited.send("DELETE", f"/v1/sources/{one.id}").status_code for one in (everywhere, elsewhere)] == [
        404,
        404,
    ]
    assert limited.patch(f"/v1/sources/{own.id}", {"sites": None})["sites"] == [two.sites["brough"]]
