"""A true report that does not fit is kept with its reason, and joins by itself or by hand once it fits."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from app.db.session import ScopedSession
from app.services.requeue import retry_due
from tests.reports.sending import PERSONAL, Source, ago, corrected, deliver, events, make_source, report
from tests.service import Json, Tenant

MASKED = "*** *** ****"


def quarantined(tenant: Tenant) -> list[Json]:
    return tenant.all.items("/v1/reports", status="quarantined")


def reasons(tenant: Tenant) -> list[str | None]:
    return [event["data"]["reason"] for event in events(tenant) if event["type"] == "report.quarantined"]


# ── each reason ──


ODD: dict[str, tuple[str, Callable[[Json], Any]]] = {
    "an unknown type": ("unknown_type", lambda body: {**body, "type": "report.celebrated"}),
    "a type of another vendor": ("unknown_type", lambda body: {**body, "type": "shift.changed"}),
    "a type that is no text": ("unknown_type", lambda body: {**body, "type": 42}),
    "no type": ("unknown_type", lambda body: {"data": body["data"]}),
    "no data": ("incomplete", lambda body: {"type": body["type"]}),
    "data that is a list": ("incomplete", lambda body: {**body, "data": []}),
    "a member that is missing": ("incomplete", lambda body: without(body, "what_changed")),
    "a member of another type": ("incomplete", lambda body: with_(body, summary=3)),
    "a member that is too long": ("incomplete", lambda body: with_(body, summary="x" * 301)),
    "a word that is not in the list": (
        "incomplete",
        lambda body: with_(body, evidence=[{"kind": "rumour", "title": "x"}]),
    ),
    "no evidence": ("incomplete", lambda body: with_(body, evidence=[])),
    "no instant": ("incomplete", lambda body: without(body, "occurred_at")),
    "an instant without an offset": ("incomplete", lambda body: with_(body, occurred_at="2026-11-01T09:00:00")),
    "a report id that is a number": ("incomplete", lambda body: with_(body, report_id=47)),
    "no suggestion": ("incomplete", lambda body: without(body, "suggestion_id")),
    "a suggestion id that is none": ("incomplete", lambda body: with_(body, suggestion_id="idea-1")),
    "a site that there is not": ("incomplete", lambda body: with_(body, site="nowhere")),
    "an unknown suggestion": ("unknown_suggestion", lambda body: with_(body, suggestion_id=str(uuid4()))),
    "an NHS number in the summary": ("personal_data", lambda body: with_(body, summary=f"For {PERSONAL}.")),
    "an NHS number in a member that nobody knows": ("personal_data", lambda body: with_(body, note={"on": [PERSONAL]})),
    "an NHS number beside the data": ("personal_data", lambda body: {**body, "note": PERSONAL}),
}


def with_(body: Json, **members: Any) -> Json:  # noqa: ANN401 -- any JSON value
    return {**body, "data": {**body["data"], **members}}


def without(body: Json, name: str) -> Json:
    return {**body, "data": {key: value for key, value in body["data"].items() if key != name}}


@pytest.mark.parametrize("name", ODD)
def test_what_does_not_fit_is_kept_with_its_reason(tenant: Tenant, source: Source, target: str, name: str) -> None:
    reason, change = ODD[name]
    answer = source.send(change(report("implemented", target, ago(source.service, days=1))))
    (kept,) = quarantined(tenant)
    assert (answer.status_code, answer.json()) == (
        202,
        {"report_id": kept["id"], "status": "quarantined", "reason": reason},
    )
    assert (kept["reason"], tenant.all.suggestion(target)["progress"], reasons(tenant)) == (reason, None, [reason])


@pytest.mark.parametrize(
    ("kind", "parts", "status"),
    [
        ("planned", {"minutes": -5}, 200),
        ("planned", {"minutes": -5, "seconds": -1}, 202),
        ("planned", {"days": 90}, 200),
        ("planned", {"days": 90, "seconds": 1}, 202),
    ],
)
def test_the_time_of_a_report_has_bounds(
    tenant: Tenant, source: Source, kind: str, parts: dict[str, float], status: int
) -> None:
    target = tenant.all.submit()["id"]
    answer = source.send(report(kind, target, ago(source.service, **parts)))
    expected = {"minutes": "in_the_future", "days": "too_old"}[next(iter(parts))] if status == 202 else None
    assert (answer.status_code, answer.json().get("reason")) == (status, expected)


def test_a_source_speaks_of_its_own_sites_only(tenant: Tenant) -> None:
    two = tenant.service.tenant(sites=("brough", "kirkby"))
    source = make_source(two.all, sites=["brough"])
    here, there, nowhere = (deliver(two, site=site)["id"] for site in ("brough", "kirkby", ...))
    day = ago(two.service, days=1)
    answers = [
        source.report("implemented", here, day, site="brough"),
        source.report("implemented", here, day, site="kirkby"),
        source.report("implemented", there, day),
        source.report("implemented", nowhere, day),
    ]
    assert [answer.get("reason", answer["status"]) for answer in answers] == ["applied", *["not_entitled"] * 3]


def test_without_a_site_a_limited_source_speaks_for_the_suggestion_s_own(tenant: Tenant) -> None:
    two = tenant.service.tenant(sites=("brough", "kirkby"))
    source = make_source(two.all, sites=["brough"])
    answer = source.report("planned", deliver(two, site="brough")["id"], ago(two.service, days=1))
    assert two.all.get(f"/v1/reports/{answer['report_id']}")["site"] == two.sites["brough"]


def test_a_person_with_all_sites_may_vouch_for_a_source(tenant: Tenant) -> None:
    two = tenant.service.tenant(sites=("brough", "kirkby"))
    source = make_source(two.all, sites=["brough"])
    answer = source.report("implemented", deliver(two, site="kirkby")["id"], ago(two.service, days=1))
    assert two.all.post(f"/v1/reports/{answer['report_id']}/reapply")["status"] == "applied"


def test_an_external_id_of_two_systems_is_ambiguous(tenant: Tenant) -> None:
    for system in ("app-a", "app-b"):
        tenant.key("raise", system=system).submit(external_id="idea-1")
    day = ago(tenant.service, days=1)
    any_system, one_system = make_source(tenant.all), make_source(tenant.all, system="app-b")
    assert any_system.report("planned", None, day, external_id="idea-1")["reason"] == "ambiguous_suggestion"
    assert one_system.report("planned", None, day, external_id="idea-1")["status"] == "recorded"
    assert one_system.report("planned", None, day, external_id="idea-2")["reason"] == "unknown_suggestion"


def test_two_names_that_disagree_are_ambiguous(tenant: Tenant, source: Source, target: str) -> None:
    tenant.all.submit(external_id="idea-1")
    answer = source.report("planned", target, ago(source.service, days=1), external_id="idea-1")
    assert answer["reason"] == "ambiguous_suggestion"


def test_a_contradiction_joins_once_history_makes_sense_of_it(tenant: Tenant, source: Source, target: str) -> None:
    resumed = source.report("resumed", target, ago(source.service, days=1))
    assert (resumed["reason"], tenant.all.suggestion(target)["progress"]) == ("contradiction", None)
    source.report("paused", target, ago(source.service, days=2))
    shown = tenant.all.get(f"/v1/reports/{resumed['report_id']}")
    types = [event["type"] for event in tenant.all.timeline(target) if event["type"].startswith("report.")]
    assert (shown["status"], shown["reason"], sorted(types)) == (
        "applied",
        None,
        ["report.applied", "report.applied", "report.quarantined"],
    )


@pytest.mark.parametrize(
    ("kind", "members"),
    [("retraction", {"retracts": "rota-46"}), ("correction", corrected("rota-46", "partly_implemented"))],
)
def test_what_corrects_nothing_waits_for_it(
    tenant: Tenant, source: Source, target: str, kind: str, members: dict[str, Any]
) -> None:
    early = source.report(kind, target, ago(source.service, days=1), **members)
    assert early["reason"] == "unknown_report"
    source.report("implemented", target, ago(source.service, days=2), report_id="rota-46")
    shown = tenant.all.get(f"/v1/reports/{early['report_id']}")
    struck = [one["struck_out_by"] for one in tenant.all.items("/v1/reports") if one["report_id"] == "rota-46"]
    assert (shown["reason"], struck) == (None, [early["report_id"]])


# ── personal numbers ──


def test_a_personal_number_is_masked_wherever_it_is_kept(tenant: Tenant, source: Source, target: str) -> None:
    body = report(
        "implemented",
        target,
        ago(source.service, days=1),
        summary=f"For {PERSONAL}.",
        what_changed="AB 12 34 56 C signed",
        note={"numbers": ["9434765919"]},
        evidence=[{"kind": "document", "title": PERSONAL, "url": "https://example.org/9434765919"}],
    )
    raw = json.dumps(body, indent=1).encode().replace(b"For 9", b"For \\u0039")
    answer = source.send(raw).json()
    shown = tenant.all.get(f"/v1/reports/{answer['report_id']}")
    assert shown["data"] == {
        **body["data"],
        "summary": f"For {MASKED}.",
        "what_changed": "** ** ** ** * signed",
        "note": {"numbers": ["**********"]},
        "evidence": [{"kind": "document", "title": MASKED, "url": "https://example.org/9434765919"}],
    }
    assert json.loads(base64.b64decode(shown["raw"])) == {**body, "data": shown["data"]}
    assert len(base64.b64decode(shown["raw"])) == len(raw) - len(rb"\u0039") + 1
    everything = [events(tenant), tenant.all.timeline(target), tenant.all.items("/v1/reports")]
    assert not any(number in json.dumps(everything) for number in (PERSONAL, "AB 12"))


def test_a_masked_report_is_still_known_by_what_arrived(tenant: Tenant, source: Source, target: str) -> None:
    body = report("implemented", target, ago(source.service, days=1), summary=f"For {PERSONAL}.")
    first = source.send(body, "one")
    assert (source.send(body, "one").json(), source.send(body, "two").json()) == (first.json(), first.json())
    assert len(quarantined(tenant)) == 1


def test_a_masked_report_joins_by_hand(tenant: Tenant, source: Source, target: str) -> None:
    answer = source.report("implemented", target, ago(source.service, days=1), summary=f"For {PERSONAL}.")
    shown = tenant.all.post(f"/v1/reports/{answer['report_id']}/reapply")
    assert (shown["status"], shown["data"]["summary"]) == ("applied", f"For {MASKED}.")


# ── joining later ──


@pytest.mark.parametrize("external", [False, True])
def test_a_report_that_came_first_joins_its_suggestion(tenant: Tenant, source: Source, *, external: bool) -> None:
    named: dict[str, Any] = {"external_id": f"idea-{uuid4().hex}"} if external else {"id": str(uuid4())}
    about = None if external else named["id"]
    early = source.report("planned", about, ago(source.service, hours=1), **(named if external else {}))
    assert early["reason"] == "unknown_suggestion"
    made = tenant.all.submit(**named)
    shown = tenant.all.get(f"/v1/reports/{early['report_id']}")
    assert (shown["status"], shown["suggestion_id"], made["flags"]) == ("recorded", made["id"], ["ahead_of_decision"])
    assert [event["type"] for event in tenant.all.timeline(made["id"])] == ["report.applied", "suggestion.submitted"]


def test_what_time_tries_again_is_looked_at_once(tenant: Tenant, source: Source) -> None:
    source.report("planned", str(uuid4()), ago(source.service, hours=1))
    service = source.service
    service.clock.pass_time(minutes=1)

    def retry(session: ScopedSession) -> int:
        return retry_due(session, service.secret, service.clock())

    service.database.write_now(None, retry)
    assert (service.database.write_now(None, retry), len(quarantined(tenant))) == (0, 1)


def test_a_report_is_moved_to_the_suggestion_that_was_meant(tenant: Tenant, source: Source, target: str) -> None:
    answer = source.report("implemented", str(uuid4()), ago(source.service, days=1))
    path = f"/v1/reports/{answer['report_id']}/reapply"
    would = tenant.all.post(path, {"suggestion_id": target, "dry_run": True})
    before = tenant.all.get(f"/v1/reports/{answer['report_id']}")
    became = tenant.all.post(path, {"suggestion_id": target})
    assert (would["status"], before["status"], became) == ("applied", "quarantined", would)
    assert (tenant.all.suggestion(target)["progress"], became["suggestion_id"]) == ("implemented", target)


def test_what_stands_on_a_suggestion_is_not_moved(tenant: Tenant, source: Source, target: str) -> None:
    answer = source.report("implemented", target, ago(source.service, days=1))
    path = f"/v1/reports/{answer['report_id']}/reapply"
    other = deliver(tenant)["id"]
    refused = tenant.all.send("POST", path, {"suggestion_id": other})
    unknown = tenant.all.send("POST", path, {"suggestion_id": str(uuid4())})
    assert [(one.status_code, one.json()["errors"][0]["code"]) for one in (refused, unknown)] == [
        (422, "not_allowed"),
        (422, "not_found"),
    ]
    assert tenant.all.post(path)["status"] == "applied"


def test_a_report_is_put_aside_and_taken_up_again(tenant: Tenant, source: Source, target: str) -> None:
    answer = source.report("implemented", target, ago(source.service, days=1))
    path = f"/v1/reports/{answer['report_id']}"
    aside = tenant.all.post(f"{path}/dismiss", {"why": "A test of the rota system."})
    again = tenant.all.post(f"{path}/dismiss", {"why": "A test of the rota system."})
    assert (aside["status"], again, tenant.all.suggestion(target)["progress"]) == ("rejected", aside, None)
    types = [event["type"] for event in events(tenant)][-2:]
    assert types == ["report.dismissed", "progress.changed"]
    assert tenant.all.post(f"{path}/reapply")["status"] == "applied"
    assert tenant.all.suggestion(target)["progress"] == "implemented"


def test_a_report_that_many_put_aside_at_once_is_put_aside_once(tenant: Tenant, source: Source, target: str) -> None:
    answer = source.report("implemented", target, ago(source.service, days=1))
    path = f"/v1/reports/{answer['report_id']}"
    tag = tenant.all.send("GET", path).headers["etag"]
    with ThreadPoolExecutor(16) as threads:
        sent = [
            threads.submit(tenant.all.send, "POST", f"{path}/dismiss", {"why": "A test."}, if_match=tag)
            for _ in range(16)
        ]
        statuses = Counter(one.result().status_code for one in sent)
    assert statuses == {200: 1, 412: 15}
    assert [event["type"] for event in events(tenant)].count("report.dismissed") == 1


def test_putting_aside_needs_a_reason_and_a_scope(tenant: Tenant, source: Source, target: str) -> None:
    answer = source.report("implemented", target, ago(source.service, days=1))
    path = f"/v1/reports/{answer['report_id']}/dismiss"
    reader = tenant.key("read", "report")
    assert tenant.all.send("POST", path, {}).status_code == 422
    assert reader.send("POST", path, {"why": "x"}).json()["code"] == "missing_scope"
