"""A suggestion comes in: what is answered, what is kept of an author, and what is out of sight at once."""

from uuid import UUID

import pytest

from tests.service import Client, Json, Service, Tenant, submission

FULL = {
    "external_id": "idea-8841",
    "title": "Pair the double-up calls at Brough",
    "text": "They are 12 minutes apart on paper and 25 by road.",
    "site": "brough",
    "group": "care_worker",
    "anonymity": "named",
    "author": {
        "ref": "staff-118",
        "name": "Adaeze",
        "job_role": {"system": "asc_wds", "code": "8"},
        "preferred_language": "en",
        "preferred_format": "text",
    },
    "co_authors": [{"ref": "staff-119", "name": "Jo"}],
    "lenses": ["structure"],
    "tags": ["rota"],
    "language": "en",
    "safety": {"at_risk_now": False, "own_employment": False},
    "captured_at": "2026-11-01T21:14:00+01:00",
}
RISK = {"at_risk_now": True, "own_employment": False}
EMPTY: Json = {
    "progress": None,
    "outcome": None,
    "steward": None,
    "decision": None,
    "commitment": None,
    "merged_into": None,
    "flags": [],
    "benefits": [],
    "supporters": 0,
}
FITTING = [
    "acknowledge",
    "endorse",
    "hold",
    "log_time",
    "message",
    "note",
    "redirect",
    "request_support",
    "settle_support",
    "tell",
    "withdraw",
]


def test_the_answer_is_the_suggestion_with_what_its_author_is_given(tenant: Tenant) -> None:
    answer = tenant.all.send("POST", "/v1/suggestions", FULL)
    shown = answer.json()
    sent = {name: value for name, value in FULL.items() if name not in ("safety", "site", "captured_at")}
    everywhere = {"preferred_language": None, "preferred_format": None, "job_role": None}
    assert shown == {
        **sent,
        **EMPTY,
        "id": shown["id"],
        "site": tenant.sites["brough"],
        "co_authors": [{"ref": "staff-119", "name": "Jo", **everywhere}],
        "state": "submitted",
        "promises": [
            {"promise": "P1", "state": "kept", "due_at": "2026-11-03T00:00:00Z"},
            {"promise": "P3", "state": "running", "due_at": "2026-11-06T00:00:00Z"},
            {"promise": "P4", "state": "running", "due_at": "2026-12-01T00:00:00Z"},
            {"promise": "P5", "state": "running", "due_at": "2026-12-03T00:00:00Z"},
        ],
        "captured_at": "2026-11-01T20:14:00Z",
        "received_at": "2026-11-02T09:00:00Z",
        "updated_at": "2026-11-02T09:00:00Z",
        "version": 1,
        "allowed_acts": FITTING,
        "receipt": shown["receipt"],
        "anonymity_advice": None,
        "signposts": shown["signposts"],
        "similar": [],
    }
    assert (answer.status_code, [signpost["code"] for signpost in shown["signposts"]]) == (201, ["emergency"])
    assert UUID(shown["id"]).version == 7
    assert shown["receipt"]["code"].startswith("hbr_")
    assert answer.headers["location"] == f"/v1/suggestions/{shown['id']}"
    read = tenant.all.suggestion(shown["id"])
    assert read == {name: shown[name] for name in read}
    assert tenant.all.items("/v1/suggestions") == [read]


def test_its_event_carries_codes_and_its_timeline_the_words(tenant: Tenant) -> None:
    id = tenant.all.submit(**FULL)["id"]
    [told] = tenant.all.timeline(id)
    assert told == {
        "id": told["id"],
        "type": "suggestion.submitted",
        "timestamp": "2026-11-02T09:00:00Z",
        "data": {
            "suggestion_id": id,
            "external_id": "idea-8841",
            "state": "submitted",
            "progress": None,
            "outcome": None,
            "version": 1,
            "actor_group": "care_worker",
            "caused_by": None,
            "title": FULL["title"],
            "text": FULL["text"],
            "group": "care_worker",
            "anonymity": "named",
            "lenses": ["structure"],
            "tags": ["rota"],
            "language": "en",
        },
    }


def test_a_client_may_make_the_id(tenant: Tenant) -> None:
    made = "0199b6f0-1c2d-7e3f-8a4b-5c6d7e8f9a0b"
    assert tenant.all.submit(id=made.upper())["id"] == made


def test_a_site_is_named_by_its_code_or_its_id(tenant: Tenant) -> None:
    by_id = tenant.all.submit(site=tenant.sites["brough"].upper())
    assert by_id["site"] == tenant.all.submit(site="brough")["site"] == tenant.sites["brough"]
    assert tenant.all.submit()["site"] is None


@pytest.mark.parametrize("site", ["kendal", "Brough", "0199b6f0-1c2d-7e3f-8a4b-5c6d7e8f9a0b"])
def test_a_site_that_there_is_not_is_not_found(tenant: Tenant, site: str) -> None:
    assert_refused(tenant.all, submission(site=site), (422, "invalid", "/site", "not_found"))


def test_a_key_for_one_site_submits_there_alone(service: Service) -> None:
    tenant = service.tenant(sites=("brough", "kendal"))
    limited = tenant.key("raise", "read", sites=("brough",))
    assert limited.submit(site="brough")["site"] == tenant.sites["brough"]
    assert_refused(limited, submission(site="kendal"), (422, "invalid", "/site", "not_found"))


# ── who is seen ──


def test_a_confidential_author_is_seen_with_identity_and_that_is_recorded(tenant: Tenant) -> None:
    sent = tenant.all.submit(**{**FULL, "anonymity": "confidential"})
    id = sent["id"]
    assert (sent["author"], sent["co_authors"]) == (None, [])
    assert (tenant.key("read").suggestion(id)["author"], len(tenant.all.timeline(id))) == (None, 1)
    assert tenant.all.items("/v1/suggestions")[0]["author"] is None
    opened = tenant.key("read", "identity", system="hr").suggestion(id)
    assert (opened["author"]["name"], opened["co_authors"][0]["ref"], opened["version"]) == ("Adaeze", "staff-119", 1)
    [_, told] = tenant.all.timeline(id)
    assert (told["type"], told["data"]["system"]) == ("suggestion.opened", "hr")
    assert tenant.key("identity").send("GET", f"/v1/suggestions/{id}").status_code == 403


def test_an_anonymous_author_leaves_only_the_day(tenant: Tenant) -> None:
    sent = tenant.all.submit(
        anonymity="anonymous", site="brough", external_id="a-1", captured_at="2026-11-01T21:14:00Z"
    )
    assert UUID(sent["id"]).version == 4
    assert (sent["author"], sent["co_authors"], sent["external_id"]) == (None, [], None)
    assert {sent[name] for name in ("received_at", "updated_at")} == {"2026-11-02T00:00:00Z"}
    assert sent["captured_at"] == "2026-11-01T00:00:00Z"
    [told] = tenant.all.timeline(sent["id"])
    assert (UUID(told["id"]).version, told["timestamp"]) == (4, "2026-11-02T00:00:00Z")
    # Its external id finds it and stands nowhere.
    [found] = tenant.all.items("/v1/suggestions", external_id="a-1")
    assert (found["id"], found["external_id"]) == (sent["id"], None)
    assert tenant.key("read", "identity").suggestion(sent["id"])["author"] is None


def test_who_acts_for_an_anonymous_author_is_not_kept(tenant: Tenant) -> None:
    id = tenant.all.submit(anonymity="anonymous")["id"]
    done = tenant.all.acted(id, "withdraw", actor={"ref": "staff-118", "group": "care_worker"}, reason="Solved.")
    assert (UUID(done["event"]["id"]).version, done["event"]["timestamp"]) == (4, "2026-11-02T00:00:00Z")
    assert (done["event"]["data"]["actor_group"], done["suggestion"]["updated_at"]) == (
        "care_worker",
        "2026-11-02T00:00:00Z",
    )
    told = tenant.all.timeline(id)[-1]
    assert (told["data"]["actor"], told["data"]["reason"]) == ({"group": "care_worker"}, "Solved.")


# ── somebody may be at risk ──


def test_who_may_be_at_risk_is_held_at_once(tenant: Tenant) -> None:
    plain = tenant.key("raise", "read", "review")
    sent = plain.submit(safety=RISK)
    id = sent["id"]
    assert (sent["state"], sent["allowed_acts"], sent["version"]) == ("held", ["clear", "note", "redirect"], 1)
    assert len(sent["signposts"]) > 1
    assert [(one["promise"], one["state"]) for one in sent["promises"]] == [
        ("P1", "kept"),
        ("P2", "running"),
        ("P3", "paused"),
        ("P4", "paused"),
        ("P5", "paused"),
    ]
    gone = [plain.send("GET", f"/v1/suggestions/{id}{path}") for path in ("", "/timeline", "/reports")]
    gone.append(plain.try_act(id, "note", text="Seen?"))
    assert {(answer.status_code, answer.json()["code"]) for answer in gone} == {(404, "not_found")}
    assert plain.items("/v1/suggestions") == []
    lead = tenant.key("read", "safeguard")
    assert [told["type"] for told in lead.timeline(id)] == ["suggestion.submitted", "safeguarding.held"]
    assert [item["id"] for item in lead.items("/v1/suggestions", state="held")] == [id]


def test_who_hides_something_still_sees_the_answer_to_that(tenant: Tenant) -> None:
    plain = tenant.key("raise", "read", "review")
    body = {"actor": {"ref": "mgr-7", "group": "manager"}, "route": "safeguarding", "why": "A risk came to light."}
    path = f"/v1/suggestions/{plain.submit()['id']}/acts/hold"
    first = plain.send("POST", path, body, idempotency_key="hold-1")
    again = plain.send("POST", path, body, idempotency_key="hold-1")
    assert (first.status_code, first.json()["suggestion"]["state"]) == (200, "held")
    assert (again.status_code, again.headers["idempotent-replayed"], again.json()) == (200, "true", first.json())
    assert plain.send("POST", path, body).status_code == 404


def test_the_author_reads_what_is_held_by_the_receipt(tenant: Tenant) -> None:
    code = tenant.all.submit(safety=RISK)["receipt"]["code"]
    view = tenant.service.client(code).receipt()
    assert (view["state"], view["allowed_acts"]) == ("held", [])


# ── personal data ──


def test_contact_details_are_masked_by_default(tenant: Tenant) -> None:
    sent = tenant.all.submit(title="Ring 07700 900123", text="Or write to a@b.example.")
    assert (sent["title"], sent["text"]) == ("Ring ***** ******", "Or write to *@*.*******.")
    assert sent["flags"] == ["contact_details"]
    said = tenant.all.timeline(sent["id"])[0]["data"]
    assert (said["title"], said["text"]) == (sent["title"], sent["text"])


@pytest.mark.parametrize("policy", ["warn", "strict"])
def test_a_policy_warns_of_contact_details_or_refuses_them(service: Service, policy: str) -> None:
    tenant = service.tenant(policy={"personal_data": policy})
    if policy == "warn":
        sent = tenant.all.submit(text="Ring 07700 900123")
        assert (sent["text"], sent["flags"]) == ("Ring 07700 900123", ["contact_details"])
        return
    refused = tenant.all.send("POST", "/v1/suggestions", submission(text="Ring 07700 900123"))
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (422, "personal_data")
    [fault] = problem["errors"]
    assert (fault["pointer"], fault["code"], fault["position"]) == ("/text", "contact_details", 5)


def test_a_personal_number_is_refused_and_not_repeated(tenant: Tenant) -> None:
    refused = tenant.all.send("POST", "/v1/suggestions", submission(text="Ask about 943 476 5919 please."))
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["errors"]) == (
        422,
        "personal_data",
        [
            {
                "pointer": "/text",
                "code": "nhs_number",
                "detail": "The text holds an NHS number.",
                "position": 10,
            }
        ],
    )
    assert "476" not in refused.text
    assert tenant.all.items("/v1/suggestions") == []


# ── strangers ──


def test_what_belongs_to_another_organisation_does_not_exist(service: Service, tenant: Tenant) -> None:
    id = tenant.all.submit(external_id="idea-1")["id"]
    stranger = service.tenant()
    nothing = stranger.all.send("GET", "/v1/suggestions/0199b6f0-1c2d-7e3f-8a4b-5c6d7e8f9a0b").json()
    gone = [
        stranger.all.send("GET", f"/v1/suggestions/{id}"),
        stranger.all.send("GET", f"/v1/suggestions/{id}/timeline"),
        stranger.all.send("PATCH", f"/v1/suggestions/{id}", {"title": "Mine"}),
        stranger.all.try_act(id, "note", text="Seen?"),
    ]
    for answer in gone:
        assert (answer.status_code, without_request(answer.json())) == (404, without_request(nothing))
    assert stranger.all.items("/v1/suggestions") == stranger.all.items("/v1/suggestions", external_id="idea-1") == []
    merge = {"into": id, "why_the_same": "The same.", "message": MESSAGE}
    own = stranger.all.submit()["id"]
    stranger.all.act(own, "acknowledge", steward={"ref": "m", "name": "M"}, message=MESSAGE, decision_expected_on=DAY)
    refused = stranger.all.try_act(own, "merge", **merge)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "not_found")
    # Ids are unique in an organisation: a stranger's are no hindrance, and tell nothing.
    assert stranger.all.submit(external_id="idea-1", id=id)["id"] == id
    assert len(tenant.all.timeline(id)) == 1


MESSAGE = {"text": "Thank you.", "summary": "Thank you.", "feedback_mode": "A"}
DAY = "2026-11-30"


def without_request(problem: Json) -> Json:
    return {name: value for name, value in problem.items() if name != "request_id"}


def assert_refused(client: Client, body: Json, expected: tuple[int, str, str, str]) -> None:
    refused = client.send("POST", "/v1/suggestions", body)
    problem = refused.json()
    [fault] = problem["errors"]
    assert (refused.status_code, problem["code"], fault["pointer"], fault["code"]) == expected
