"""Refusals carry their code and words, and no answer grows with what was sent."""

import pytest

from app.kit.refusals import (
    MAX_FAULTS,
    MAX_POINTER_CHARACTERS,
    Fault,
    Invalid,
    MalformedJson,
    PersonalDataFound,
    Refusal,
    as_members,
)

PLAIN = Fault("/title", "missing", "This member is required.")
PLACED = Fault("/text", "nhs_number", "The text holds an NHS number.", 12)


def test_a_refusal_has_its_own_words_unless_others_are_given() -> None:
    bare = MalformedJson()
    assert (bare.text, bare.headers, bare.members, str(bare)) == (MalformedJson.detail, {}, {}, "malformed_json")
    full = MalformedJson("Too deep.", headers={"Connection": "close"}, state="closed")
    assert (full.text, full.headers, full.members) == ("Too deep.", {"Connection": "close"}, {"state": "closed"})


def test_a_position_is_shown_only_where_there_is_one() -> None:
    assert as_members([PLAIN, PLACED]) == [
        {"pointer": "/title", "code": "missing", "detail": "This member is required."},
        {"pointer": "/text", "code": "nhs_number", "detail": "The text holds an NHS number.", "position": 12},
    ]


@pytest.mark.parametrize(("kind", "code"), [(Invalid, "invalid"), (PersonalDataFound, "personal_data")])
def test_faults_are_listed(kind: type[Invalid | PersonalDataFound], code: str) -> None:
    refusal = kind(PLAIN, PLACED)
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert refusal.faults == (PLAIN, PLACED)
    assert refusal.members == {"errors": as_members([PLAIN, PLACED])}


def test_a_hundred_faults_are_listed_at_most() -> None:
    faults = [Fault(f"/{index}", "unknown", "There is no such member.") for index in range(MAX_FAULTS + 1)]
    assert Invalid(*faults).faults == tuple(faults[:MAX_FAULTS])


def test_faults_under_one_very_long_name_do_not_multiply_it() -> None:
    long = "/" + "x" * MAX_POINTER_CHARACTERS
    faults = [Fault(f"{long}/{index}", "unknown", "There is no such member.") for index in range(MAX_FAULTS)]
    assert Invalid(*faults).faults == (faults[0],)
