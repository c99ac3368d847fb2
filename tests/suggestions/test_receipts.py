"""The receipt: the author's view without an account, and that reading is being told."""

import pytest

from tests.bodies import PANEL, body, decision
from tests.service import Client, Json, Service, Tenant, message

SCORES = dict.fromkeys(("heard", "respected", "same_rules", "clear_reason", "made_better"), 4)


def author_of(tenant: Tenant, sent: Json) -> Client:
    return tenant.service.client(sent["receipt"]["code"])


def acknowledge(tenant: Tenant, id: str) -> None:
    tenant.all.act(id, "acknowledge", **body("acknowledge", tenant.service.clock))


def decide(tenant: Tenant, id: str, outcome: str, choice: str = "no", **changes: object) -> None:
    clock = tenant.service.clock
    tenant.all.act(id, "start_review", **body("start_review", clock))
    for member in PANEL:
        tenant.all.act(id, "vote", actor=member, member=member["ref"], choice=choice)
    tenant.all.act(id, "decide", **decision(outcome, clock, **changes))


def told(tenant: Tenant, id: str) -> list[str]:
    return [event["type"] for event in tenant.all.timeline(id) if event["type"] == "suggestion.told"]


def test_a_new_idea_as_its_author_reads_it(tenant: Tenant) -> None:
    sent = tenant.all.submit(title="Pair the calls", anonymity="confidential", site="brough")
    view = author_of(tenant, sent).receipt()
    assert view == {
        "id": sent["id"],
        "title": "Pair the calls",
        "text": sent["text"],
        "state": "submitted",
        "state_text": "Received",
        "progress": None,
        "question": None,
        "decision": None,
        "commitment": None,
        "promises": view["promises"],
        "messages": [],
        "reports": [],
        "timeline": [
            {
                "type": "suggestion.submitted",
                "text": view["timeline"][0]["text"],
                "happened_at": "2026-11-02T09:00:00Z",
            }
        ],
        "allowed_acts": ["withdraw"],
    }
    assert [(one["promise"], one["state"]) for one in view["promises"]] == [
        ("P1", "kept"),
        ("P3", "running"),
        ("P4", "running"),
        ("P5", "running"),
    ]


def test_everything_on_the_way_is_there_without_names(tenant: Tenant) -> None:
    sent = tenant.all.submit(anonymity="confidential")
    id, author, clock = sent["id"], author_of(tenant, sent), tenant.service.clock
    acknowledge(tenant, id)
    tenant.all.act(id, "note", text="She is new.")
    tenant.all.act(id, "ask", question="Which days do you mean?")
    asked = author.receipt()
    assert (asked["state"], asked["question"]) == (
        "needs_information",
        {"text": "Which days do you mean?", "asked_at": "2026-11-02T09:00:00Z"},
    )
    assert author.act_by_receipt("answer", text="Tuesdays and Fridays.")["question"] is None
    clock.pass_time(days=1)
    decide(tenant, id, "decline", message=message("There is no money for it.", mode="D"))
    view = author.receipt()
    assert (view["decision"]["outcome"], view["decision"]["reasons"]) == ("decline", ["no_funding"])
    assert [(one["text"], one["feedback_mode"]) for one in view["messages"]] == [
        ("Thank you for your idea.", "A"),
        ("There is no money for it.", "D"),
    ]
    assert [line["type"].partition(".")[2] for line in view["timeline"]] == [
        "submitted",
        "acknowledged",
        "question_asked",
        "question_answered",
        "review_started",
        "decided",
        "told",
    ]
    assert all(name not in str(view) for name in ("Sam", "mgr-7", "cw-1", "staff-118", "She is new"))


def test_reading_the_decision_is_being_told_once(tenant: Tenant) -> None:
    sent = tenant.all.submit()
    id, author = sent["id"], author_of(tenant, sent)
    acknowledge(tenant, id)
    author.receipt()
    assert (told(tenant, id), tenant.all.suggestion(id)["version"]) == ([], 2)  # a message alone is no decision
    decide(tenant, id, "decline")
    before = tenant.all.suggestion(id)["version"]
    head = tenant.service.http.head("/v1/receipt", headers={"Authorization": f"Bearer {author.token}"})
    assert (head.status_code, told(tenant, id)) == (200, [])
    first = author.send("GET", "/v1/receipt")
    again = author.send("GET", "/v1/receipt")
    assert told(tenant, id) == ["suggestion.told"]
    assert (tenant.all.suggestion(id)["version"], again.json()) == (before + 1, first.json())
    spared = author.send("GET", "/v1/receipt", if_none_match=first.headers["etag"])
    assert (spared.status_code, spared.content) == (304, b"")
    tenant.service.settle()
    assert (author.receipt()["state"], told(tenant, id)) == ("closed", ["suggestion.told"])


def test_an_answer_304_tells_nobody_anything(tenant: Tenant) -> None:
    sent = tenant.all.submit()
    id, author = sent["id"], author_of(tenant, sent)
    acknowledge(tenant, id)
    decide(tenant, id, "decline")
    tag = tenant.service.http.head("/v1/receipt", headers={"Authorization": f"Bearer {author.token}"}).headers["etag"]
    assert author.send("GET", "/v1/receipt", if_none_match=tag).status_code == 304
    assert told(tenant, id) == []


def test_a_no_closes_when_its_author_has_read_it(tenant: Tenant) -> None:
    sent = tenant.all.submit()
    id, author = sent["id"], author_of(tenant, sent)
    acknowledge(tenant, id)
    decide(tenant, id, "decline")
    tenant.service.settle()
    assert tenant.all.suggestion(id)["state"] == "decided"
    author.receipt()
    tenant.service.settle()
    closed = tenant.all.suggestion(id)
    assert (closed["state"], [vote["member"] for vote in closed["decision"]["votes"]]) == (
        "closed",
        ["cw-1", "cw-2", "fam-3"],
    )
    assert tenant.all.timeline(id)[-1]["type"] == "suggestion.closed"


def test_votes_are_secret_until_it_is_closed(tenant: Tenant) -> None:
    id = tenant.all.submit()["id"]
    acknowledge(tenant, id)
    decide(tenant, id, "decline")
    votes = tenant.all.suggestion(id)["decision"]["votes"]
    assert votes == [{"group": member["group"], "choice": "no", "member": None} for member in PANEL]
    cast = [event["data"] for event in tenant.all.timeline(id) if event["type"] == "suggestion.voted"]
    assert [(one["member"], one["actor"], one["choice"]) for one in cast] == [
        (None, {"group": member["group"]}, "no") for member in PANEL
    ]
    tenant.all.act(id, "tell", **body("tell", tenant.service.clock))
    tenant.service.settle()
    cast = [event["data"] for event in tenant.all.timeline(id) if event["type"] == "suggestion.voted"]
    assert [(one["member"], one["actor"]) for one in cast] == [(member["ref"], member) for member in PANEL]


def test_acts_by_receipt_carry_no_actor_and_are_the_author_s(tenant: Tenant) -> None:
    sent = tenant.all.submit(group="lived_experience")
    author = author_of(tenant, sent)
    refused = author.send("POST", "/v1/receipt/acts/withdraw", {"actor": {"ref": "x", "group": "manager"}})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/actor")
    view = author.act_by_receipt("withdraw", reason="It has been solved.")
    assert (view["state"], view["allowed_acts"]) == ("withdrawn", [])
    event = tenant.all.timeline(sent["id"])[-1]
    assert (event["type"], event["data"]["actor_group"], event["data"]["reason"]) == (
        "suggestion.withdrawn",
        "lived_experience",
        "It has been solved.",
    )


def test_withdrawing_after_a_yes_takes_the_name_and_leaves_the_change(tenant: Tenant) -> None:
    sent = tenant.all.submit(author={"ref": "staff-118", "name": "Adaeze"}, co_authors=[{"ref": "staff-119"}])
    id, author = sent["id"], author_of(tenant, sent)
    acknowledge(tenant, id)
    decide(tenant, id, "adopt", "yes")
    assert tenant.all.suggestion(id)["author"]["name"] == "Adaeze"
    assert author.act_by_receipt("withdraw")["state"] == "delivering"
    after = tenant.all.suggestion(id)
    assert (after["state"], after["author"], after["co_authors"]) == ("delivering", None, [])


def test_a_verdict_of_no_opens_a_closed_yes(tenant: Tenant) -> None:
    sent = tenant.all.submit()
    id, author, clock = sent["id"], author_of(tenant, sent), tenant.service.clock
    acknowledge(tenant, id)
    decide(tenant, id, "adopt", "yes")
    implement(tenant, id)
    author.receipt()
    tenant.service.settle()
    assert author.act_by_receipt("give_verdict", **SCORES, did_it_happen="partly")["state"] == "closed"
    assert author.act_by_receipt("give_verdict", **SCORES, did_it_happen="no")["state"] == "delivering"
    types = [event["type"] for event in tenant.all.timeline(id)][-2:]
    assert types == ["suggestion.verdict_given", "suggestion.reopened"]
    # What was reported before does not close it again; a later final report does.
    author.receipt()
    tenant.service.settle()
    assert tenant.all.suggestion(id)["state"] == "delivering"
    clock.pass_time(days=7)
    implement(tenant, id)
    author.receipt()
    tenant.service.settle()
    assert tenant.all.suggestion(id)["state"] == "closed"


def test_a_yes_waits_for_its_final_report_its_impact_and_the_author(tenant: Tenant) -> None:
    sent = tenant.all.submit()
    id, author, clock = sent["id"], author_of(tenant, sent), tenant.service.clock
    acknowledge(tenant, id)
    decide(tenant, id, "adopt", "yes")

    def state() -> str:
        tenant.service.settle()
        found: str = tenant.all.suggestion(id)["state"]
        return found

    author.receipt()
    assert state() == "delivering"  # told of the decision; nothing has happened yet
    implement(tenant, id, why=None)
    author.receipt()
    assert state() == "delivering"  # told of what was done; nobody has measured it
    clock.pass_time(days=1)
    tenant.all.report(
        id,
        "impact_measured",
        occurred_at=clock().isoformat(),
        benefit_type="non_cash_time",
        measure="paid travel hours",
        baseline=420,
        value=210,
        unit="hours",
        period="year",
        method="rota export",
    )
    assert state() == "closed"


def implement(tenant: Tenant, id: str, why: str | None = "Travel is measured from next month on.") -> None:
    clock = tenant.service.clock
    clock.pass_time(days=1)
    fields: Json = {} if why is None else {"not_measured_because": why}
    evidence = [{"kind": "rota_change", "title": "Rota week 47"}]
    occurred_at = clock().isoformat()
    tenant.all.report(id, "implemented", occurred_at=occurred_at, what_changed="Pairs.", evidence=evidence, **fields)


# ── the language ──


def test_the_author_s_language_comes_first_and_then_the_request_s(tenant: Tenant) -> None:
    none = author_of(tenant, tenant.all.submit())
    welsh = author_of(tenant, tenant.all.submit(author={"ref": "a", "preferred_language": "cy"}))
    other = author_of(tenant, tenant.all.submit(author={"ref": "a", "preferred_language": "pl"}))
    spoken = {
        name: [
            author.send("GET", "/v1/receipt", accept_language=wanted).headers["content-language"]
            for wanted in ("en", "cy", "fr, cy;q=0.5")
        ]
        for name, author in (("none", none), ("welsh", welsh), ("other", other))
    }
    assert spoken == {"none": ["en", "cy", "cy"], "welsh": ["cy"] * 3, "other": ["en"] * 3}
    assert none.receipt(accept_language="cy")["state_text"] != none.receipt()["state_text"]


def test_a_broken_promise_is_told_in_words(tenant: Tenant) -> None:
    author = author_of(tenant, tenant.all.submit())
    running = {one["promise"]: one["text"] for one in author.receipt()["promises"]}
    tenant.service.clock.pass_time(days=5)
    broken = {one["promise"]: (one["state"], one["text"]) for one in author.receipt()["promises"]}
    assert broken["P3"][0] == "broken"
    assert broken["P3"][1] != running["P3"]


# ── the code ──


def test_a_code_is_dictated(tenant: Tenant) -> None:
    sent = tenant.all.submit()
    code = sent["receipt"]["code"].removeprefix("hbr_")
    assert len(code.split("-")) > 4
    written = [code.lower(), code.replace("-", ""), code.replace("1", "I").replace("0", "O"), f" {code}".strip()]
    for one in written:
        assert tenant.service.client(f"hbr_{one}").receipt()["id"] == sent["id"]


def test_a_code_opens_its_own_doors_only(tenant: Tenant) -> None:
    sent = tenant.all.submit()
    author = author_of(tenant, sent)
    swapped = tenant.service.client("hbr_" + sent["receipt"]["code"].removeprefix("hbr_")[::-1])
    refused = [
        author.send("GET", "/v1/suggestions"),
        author.send("GET", f"/v1/suggestions/{sent['id']}"),
        tenant.all.send("GET", "/v1/receipt"),
        swapped.send("GET", "/v1/receipt"),
        tenant.service.client(None).send("GET", "/v1/receipt"),
    ]
    assert {(one.status_code, one.json()["code"], one.headers["www-authenticate"]) for one in refused} == {
        (401, "unauthenticated", "Bearer")
    }


def test_my_ideas_are_listed_in_the_order_of_the_codes(service: Service, tenant: Tenant) -> None:
    elsewhere = service.tenant()
    first, second = tenant.all.submit(title="One"), elsewhere.all.submit(title="Two", anonymity="anonymous")
    acknowledge(tenant, first["id"])
    codes = [second["receipt"]["code"], "hbr_WRONG", first["receipt"]["code"], second["receipt"]["code"]]
    anybody = service.client(None)
    assert anybody.post("/v1/receipts", {"codes": codes})["items"] == [
        {"id": second["id"], "title": "Two", "state": "submitted", "state_text": "Received", "news": False},
        {
            "id": first["id"],
            "title": "One",
            "state": "acknowledged",
            "state_text": "Read by a named person",
            "news": True,
        },
    ]
    author_of(tenant, first).receipt()
    ideas = anybody.post("/v1/receipts", {"codes": codes})["items"]
    assert [idea["news"] for idea in ideas] == [False, False]
    assert anybody.post("/v1/receipts", {"codes": []}) == {"items": []}
    assert anybody.send("POST", "/v1/receipts", {"codes": ["x"] * 51}).status_code == 422


# ── the level of anonymity ──


def test_only_the_author_lowers_the_level(tenant: Tenant) -> None:
    sent = tenant.all.submit(anonymity="anonymous")
    id, author = sent["id"], author_of(tenant, sent)
    unknown = author.send("PATCH", "/v1/receipt", {"anonymity": "confidential"})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/author")
    adaeze = {"ref": "staff-118", "name": "Adaeze"}
    author.patch("/v1/receipt", {"anonymity": "confidential", "author": adaeze})
    shown = tenant.all.suggestion(id)
    assert (shown["anonymity"], shown["author"]["name"]) == ("confidential", "Adaeze")
    assert tenant.key("read").suggestion(id)["author"] is None
    author.patch("/v1/receipt", {"anonymity": "named"})
    assert tenant.key("read").suggestion(id)["author"]["name"] == "Adaeze"
    higher = author.send("PATCH", "/v1/receipt", {"anonymity": "confidential"})
    assert (higher.status_code, higher.json()["errors"][0]["pointer"]) == (422, "/anonymity")
    # What was kept by the day alone stays so.
    assert tenant.all.suggestion(id)["received_at"] == "2026-11-02T00:00:00Z"
    assert [event["type"] for event in tenant.all.timeline(id)].count("suggestion.revised") == 2


@pytest.mark.parametrize("level", ["anonymous", "secret", None])
def test_there_is_no_way_up(tenant: Tenant, level: str | None) -> None:
    author = author_of(tenant, tenant.all.submit())
    refused = author.send("PATCH", "/v1/receipt", {"anonymity": level})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


# ── merged ──


def test_a_merged_author_reads_the_survivor_s_news(tenant: Tenant) -> None:
    mine, theirs = tenant.all.submit(title="Mine"), tenant.all.submit(title="Theirs")
    author, clock = author_of(tenant, mine), tenant.service.clock
    for one in (mine, theirs):
        acknowledge(tenant, one["id"])
    clock.pass_time(hours=1)
    tenant.all.act(mine["id"], "merge", **body("merge", clock, into=theirs["id"]))
    decide(tenant, theirs["id"], "decline")
    author_of(tenant, theirs).receipt()
    tenant.service.settle()
    assert tenant.all.suggestion(theirs["id"])["state"] == "decided"  # its other author has not read it yet
    view = author.receipt()
    assert (view["id"], view["state"], view["decision"]["outcome"]) == (mine["id"], "merged", "decline")
    assert [one["text"] for one in view["messages"]] == [
        "Thank you for your idea.",
        "Your idea lives on in another.",
        "This is our answer.",
    ]
    assert view["allowed_acts"] == ["unmerge"]
    tenant.service.settle()
    assert tenant.all.suggestion(theirs["id"])["state"] == "closed"
