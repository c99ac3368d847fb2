"""A source corrects itself: what was said before stays, struck through, and who had read it is told."""

from tests.reports.sending import Source, ago, corrected, deliver, events
from tests.service import Client, Json, Tenant


def author_of(tenant: Tenant, made: Json) -> Client:
    return tenant.service.client(made["receipt"]["code"])


def messages(author: Client) -> list[str]:
    return [one["summary"] for one in author.receipt()["messages"]]


def test_a_correction_takes_the_place_of_what_was_wrong(tenant: Tenant, source: Source, target: str) -> None:
    wrong = source.report("implemented", target, ago(source.service, days=2), report_id="rota-46")
    right = source.report(
        "correction", target, ago(source.service, days=1), **corrected("rota-46", "partly_implemented")
    )
    struck = tenant.all.get(f"/v1/reports/{wrong['report_id']}")
    assert (right["status"], struck["struck_out_by"], tenant.all.suggestion(target)["progress"]) == (
        "applied",
        right["report_id"],
        "partly_implemented",
    )


def test_a_benefit_is_corrected(tenant: Tenant, source: Source, target: str) -> None:
    source.report("impact_measured", target, ago(source.service, days=2), report_id="rota-46")
    source.report(
        "correction", target, ago(source.service, days=1), **corrected("rota-46", "impact_measured", value=300)
    )
    assert [one["value"] for one in tenant.all.suggestion(target)["benefits"]] == [300]


def test_only_the_source_itself_can_take_back_what_it_said(tenant: Tenant, source: Source, target: str) -> None:
    source.report("implemented", target, ago(source.service, days=2), report_id="rota-46")
    answer = tenant.all.report(
        target, "retraction", occurred_at="2026-11-01T10:00:00Z", retracts="rota-46", why="It is not so."
    )
    assert (answer["reason"], tenant.all.suggestion(target)["progress"]) == ("unknown_report", "implemented")


def test_an_author_who_has_read_a_report_is_told_that_it_was_corrected(tenant: Tenant, source: Source) -> None:
    made = deliver(tenant, author={"ref": "staff-118", "preferred_language": "en"})
    author = author_of(tenant, made)
    source.report(
        "implemented", made["id"], ago(source.service, days=2), report_id="rota-46", summary="All pairs drive."
    )
    before = messages(author)
    version = tenant.all.suggestion(made["id"])["version"]
    source.report(
        "correction",
        made["id"],
        ago(source.service, days=1),
        summary="One pair drives.",
        **corrected("rota-46", "partly_implemented"),
    )
    written = author.receipt()["messages"][-1]
    assert (len(messages(author)), written["feedback_mode"]) == (len(before) + 1, "D")
    assert written["text"] == (
        "A report about your idea that you have read was corrected by the people who sent it.\n\n"
        "It said: “All pairs drive.”\nIt now says: “One pair drives.”"
    )
    sent = [event for event in events(tenant) if event["type"] == "suggestion.message_sent"]
    assert [(event["data"]["message_id"], event["data"]["actor_group"]) for event in sent] == [(written["id"], None)]
    assert tenant.all.suggestion(made["id"])["version"] == version + 1


def test_a_retraction_of_what_was_read_is_told_in_the_author_s_language(tenant: Tenant, source: Source) -> None:
    made = deliver(tenant, author={"ref": "staff-118", "preferred_language": "cy"})
    author = author_of(tenant, made)
    source.report("implemented", made["id"], ago(source.service, days=2), report_id="rota-46")
    before = messages(author)
    source.report("retraction", made["id"], ago(source.service, days=1), retracts="rota-46")
    assert messages(author) == [*before, "Tynnwyd rhywbeth a ddarllenoch am eich syniad yn ôl"]


def test_who_has_read_nothing_is_told_nothing(tenant: Tenant, source: Source) -> None:
    made = deliver(tenant)
    source.report("implemented", made["id"], ago(source.service, days=2), report_id="rota-46")
    source.report("retraction", made["id"], ago(source.service, days=1), retracts="rota-46")
    assert messages(author_of(tenant, made)) == ["Thank you for your idea.", "We will do it."]


def test_a_correction_that_comes_first_tells_nobody_anything_twice(tenant: Tenant, source: Source) -> None:
    made = deliver(tenant)
    author = author_of(tenant, made)
    author.receipt()
    source.report("retraction", made["id"], ago(source.service, days=1), retracts="rota-46")
    source.report("implemented", made["id"], ago(source.service, days=2), report_id="rota-46")
    assert messages(author) == ["Thank you for your idea.", "We will do it."]
    assert [one["struck_out"] for one in author.receipt()["reports"]] == [True, False]
