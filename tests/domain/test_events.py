"""The table of public events against the contract's list, and who hears of what."""

import pytest

from app.domain.events import EVENT_TYPES, hears, is_known

CONTRACT = """
suggestion.submitted suggestion.acknowledged suggestion.question_asked suggestion.question_answered
suggestion.review_started suggestion.voted suggestion.decided suggestion.deferred suggestion.merged suggestion.unmerged
suggestion.appealed suggestion.reopened suggestion.withdrawn suggestion.closed suggestion.told suggestion.confirmed
suggestion.verdict_given suggestion.message_sent suggestion.noted suggestion.endorsed suggestion.assigned
suggestion.recommitted suggestion.support_requested suggestion.support_settled suggestion.time_logged suggestion.revised
suggestion.opened suggestion.resumed suggestion.revisited suggestion.erased report.applied report.quarantined
report.conflict report.dismissed subscription.suspended subscription.revived progress.changed promise.due_soon
promise.broken source.silent source.recovered event.withheld safeguarding.held safeguarding.cleared
safeguarding.redirected safeguarding.report_kept
"""


def test_the_types_are_those_of_the_contract() -> None:
    assert [row.name for row in EVENT_TYPES] == sorted(CONTRACT.split())
    assert all(row.description for row in EVENT_TYPES)


def test_only_safeguarding_needs_its_scope() -> None:
    needing = {row.name for row in EVENT_TYPES if row.needs_safeguard}
    assert needing == {name for name in CONTRACT.split() if name.startswith("safeguarding.")}


@pytest.mark.parametrize("pattern", ["*", "report.*", "report.applied", "safeguarding.*", "event.withheld"])
def test_types_families_and_everything_are_known(pattern: str) -> None:
    assert is_known(pattern)


@pytest.mark.parametrize("pattern", ["", "report", "report.", "rep*", "*.applied", "report.applied.*", "ping", "**"])
def test_nothing_else_is(pattern: str) -> None:
    assert not is_known(pattern)


@pytest.mark.parametrize(
    ("patterns", "name", "sees_hidden", "expected"),
    [
        (["*"], "report.applied", False, True),
        (["report.*"], "report.applied", False, True),
        (["report.applied"], "report.applied", False, True),
        (["suggestion.*", "progress.changed"], "report.applied", False, False),
        (["report.conflict"], "report.applied", False, False),
        (["*"], "safeguarding.held", False, False),
        (["safeguarding.*"], "safeguarding.held", False, False),
        (["*"], "safeguarding.held", True, True),
        (["safeguarding.held"], "safeguarding.held", True, True),
    ],
)
def test_who_hears_of_what(patterns: list[str], name: str, sees_hidden: bool, expected: bool) -> None:  # noqa: FBT001
    assert hears(patterns, name, sees_hidden=sees_hidden) is expected
