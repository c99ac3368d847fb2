"""Rewording: a merge patch makes a new version, the old wording is kept for audit, and If-Match guards both."""

from uuid import UUID

import pytest
from sqlalchemy import select

from app.db.session import ScopedSession, TenantScope
from app.db.tables import Revision
from tests.service import Json, Service, Tenant

OLD = {
    "title": "Pair the calls",
    "text": "They are 25 minutes apart by road.",
    "tags": ["rota"],
    "lenses": ["structure"],
}


def patch(tenant: Tenant, id: str, body: Json, **headers: str) -> Json:
    return tenant.all.patch(f"/v1/suggestions/{id}", body, **headers)


def revisions(tenant: Tenant, id: str) -> list[tuple[object, ...]]:
    """The older wordings that are kept, the oldest first."""

    def work(session: ScopedSession) -> list[tuple[object, ...]]:
        rows = session.execute(select(Revision).order_by(Revision.version)).scalars()
        return [
            (row.version, row.title, row.text, row.tags, row.lenses) for row in rows if str(row.suggestion_id) == id
        ]

    return tenant.service.database.read_now(TenantScope(UUID(tenant.id), sees_hidden=True), work)


def test_a_patch_is_a_new_version_and_the_old_wording_is_kept(tenant: Tenant) -> None:
    before = tenant.all.submit(**OLD)
    tenant.service.clock.pass_time(hours=1)
    after = patch(tenant, before["id"], {"title": "Two fixed pairs", "tags": ["rota", "travel"]})
    shown = {name: before[name] for name in after}
    assert after == {
        **shown,
        "title": "Two fixed pairs",
        "tags": ["rota", "travel"],
        "version": 2,
        "updated_at": "2026-11-02T10:00:00Z",
    }
    assert revisions(tenant, before["id"]) == [(1, OLD["title"], OLD["text"], OLD["tags"], OLD["lenses"])]
    told = tenant.all.timeline(before["id"])[-1]
    assert (told["type"], told["data"]["version"], told["data"]["changed"]) == (
        "suggestion.revised",
        2,
        ["tags", "title"],
    )
    again = patch(tenant, before["id"], {"text": "They are half an hour apart."})
    assert (again["version"], [one[0] for one in revisions(tenant, before["id"])]) == (3, [1, 2])


def test_null_takes_away(tenant: Tenant) -> None:
    id = tenant.all.submit(**OLD)["id"]
    after = patch(tenant, id, {"title": None, "tags": None, "lenses": None})
    assert (after["title"], after["tags"], after["lenses"], after["text"]) == (None, [], [], OLD["text"])
    assert tenant.all.items("/v1/suggestions", tag="rota") == []
    assert tenant.all.items("/v1/suggestions", lens="structure") == []


def test_new_labels_are_found_at_once(tenant: Tenant) -> None:
    id = tenant.all.submit(**OLD)["id"]
    patch(tenant, id, {"tags": ["travel"], "lenses": ["fair_collaboration"]})
    found = {
        name: [item["id"] for item in tenant.all.items("/v1/suggestions", **{kind: name})]
        for kind, name in (("tag", "rota"), ("tag", "travel"), ("lens", "structure"), ("lens", "fair_collaboration"))
    }
    assert found == {"rota": [], "travel": [id], "structure": [], "fair_collaboration": [id]}


@pytest.mark.parametrize("body", [{}, {"title": OLD["title"]}, {"tags": ["rota"], "text": OLD["text"]}])
def test_what_changes_nothing_leaves_no_trace(tenant: Tenant, body: Json) -> None:
    before = tenant.all.submit(**OLD)
    tenant.service.clock.pass_time(hours=1)
    after = patch(tenant, before["id"], body)
    assert (after["version"], after["updated_at"]) == (1, before["updated_at"])
    assert (len(tenant.all.timeline(before["id"])), revisions(tenant, before["id"])) == (1, [])


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"text": None}, "/text", "wrong_type"),
        ({"text": " "}, "/text", "too_short"),
        ({"group": "manager"}, "/group", "unknown"),
        ({"tags": ["x"] * 21}, "/tags", "too_long"),
        ({"title": "943 476 5919"}, "/title", "nhs_number"),
    ],
)
def test_a_patch_is_held_to_the_rules_of_a_submission(tenant: Tenant, body: Json, pointer: str, code: str) -> None:
    id = tenant.all.submit(**OLD)["id"]
    refused = tenant.all.send("PATCH", f"/v1/suggestions/{id}", body)
    [fault] = refused.json()["errors"]
    assert (refused.status_code, fault["pointer"], fault["code"]) == (422, pointer, code)
    assert tenant.all.suggestion(id)["version"] == 1


def test_contact_details_in_new_words_are_masked(tenant: Tenant) -> None:
    id = tenant.all.submit(**OLD)["id"]
    after = patch(tenant, id, {"text": "Ring 07700 900123"})
    assert (after["text"], after["flags"]) == ("Ring ***** ******", ["contact_details"])


def test_what_matters_most_can_be_tagged_later_and_calls_for_its_voices(tenant: Tenant) -> None:
    id = tenant.all.submit(**OLD)["id"]
    patch(tenant, id, {"tags": ["what_matters_most"]})
    steward = {"ref": "mgr-7", "name": "Sam Hollis"}
    message = {"text": "Thank you.", "summary": "Thank you.", "feedback_mode": "A"}
    tenant.all.act(id, "acknowledge", steward=steward, message=message, decision_expected_on="2026-12-01")
    panel = [{"ref": f"cw-{index}", "group": "care_worker"} for index in range(3)]
    tenant.all.act(id, "start_review", panel=panel, chair="mgr-9")
    for member in panel:
        tenant.all.act(id, "vote", actor=member, member=member["ref"], choice="yes")
    refused = tenant.all.try_act(
        id,
        "decide",
        actor={"ref": "mgr-9", "group": "manager"},
        outcome="decline",
        reasons=["low_benefit"],
        rationale="x" * 80,
        message=message,
        participation_level="co_design",
    )
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "quorum_not_met")
    assert [seat["groups"] for seat in problem["missing_seats"]] == [["lived_experience", "family_or_friend"]]


# ── entity tags ──


def test_an_entity_tag_guards_a_patch(tenant: Tenant) -> None:
    sent = tenant.all.submit(**OLD)
    path = f"/v1/suggestions/{sent['id']}"
    first = tenant.all.send("GET", path).headers["etag"]
    done = tenant.all.send("PATCH", path, {"title": "One"}, if_match=first)
    late = tenant.all.send("PATCH", path, {"title": "Two"}, if_match=first)
    assert (done.status_code, late.status_code, late.json()["code"]) == (200, 412, "version_mismatch")
    assert tenant.all.send("GET", path).headers["etag"] == done.headers["etag"] != first
    either = tenant.all.send("PATCH", path, {"title": "Three"}, if_match=f"{first}, {done.headers['etag']}")
    anyone = tenant.all.send("PATCH", path, {"title": "Four"}, if_match="*")
    weak = tenant.all.send("PATCH", path, {"title": "Five"}, if_match=f"W/{anyone.headers['etag']}")
    assert (either.status_code, anyone.status_code, weak.status_code) == (200, 200, 412)
    malformed = tenant.all.send("PATCH", path, {"title": "Six"}, if_match="4")
    assert (malformed.status_code, malformed.json()["code"]) == (400, "malformed_header")
    assert tenant.all.suggestion(sent["id"])["title"] == "Four"


def test_an_entity_tag_spares_an_answer(tenant: Tenant) -> None:
    id = tenant.all.submit(**OLD)["id"]
    path = f"/v1/suggestions/{id}"
    first = tenant.all.send("GET", path)
    spared = tenant.all.send("GET", path, if_none_match=first.headers["etag"])
    assert (spared.status_code, spared.content, spared.headers["etag"]) == (304, b"", first.headers["etag"])
    patch(tenant, id, {"title": "One"})
    assert tenant.all.send("GET", path, if_none_match=first.headers["etag"]).status_code == 200


def test_the_tag_covers_the_whole_answer(tenant: Tenant) -> None:
    """What time alone changes, such as a promise that breaks, makes another tag of the same version."""
    id = tenant.all.submit(**OLD)["id"]
    path = f"/v1/suggestions/{id}"
    before = tenant.all.send("GET", path)
    tenant.service.clock.pass_time(days=4)
    after = tenant.all.send("GET", path)
    assert (before.json()["version"], after.json()["version"]) == (1, 1)
    assert before.headers["etag"] != after.headers["etag"]
    assert tenant.all.send("PATCH", path, {"title": "One"}, if_match=before.headers["etag"]).status_code == 200


def test_an_organisation_may_ask_for_if_match(service: Service) -> None:
    tenant = service.tenant(policy={"require_if_match": True})
    sent = tenant.all.submit(**OLD)
    path = f"/v1/suggestions/{sent['id']}"
    refused = tenant.all.send("PATCH", path, {"title": "One"})
    assert (refused.status_code, refused.json()["code"]) == (428, "precondition_required")
    tag = tenant.all.send("GET", path).headers["etag"]
    assert tenant.all.send("PATCH", path, {"title": "One"}, if_match=tag).status_code == 200
