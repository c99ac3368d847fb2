"""What a submission must carry, what its parts allow each other, and what a policy does with contact details."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app.domain.policy import Policy
from app.domain.submission import Rewording, Submission, is_about_what_matters_most, treated
from app.kit.refusals import Fault, Invalid, PersonalDataFound
from app.kit.shapes import fill
from app.kit.strict_json import canonical

VERSION_4 = "0b9fe3a4-33a1-4b0c-9d6e-3f7f6f4f4a11"
VERSION_7 = "0199b6f0-1c2d-7e3f-8a4b-5c6d7e8f9a0b"
NHS_NUMBER = "943 476 5919"

Body = Mapping[str, Any]

SMALLEST: dict[str, Any] = {
    "text": "They are 12 minutes apart on paper and 25 by road.",
    "group": "care_worker",
    "anonymity": "named",
    "author": {"ref": "staff-118"},
    "safety": {"at_risk_now": False, "own_employment": False},
}
ANONYMOUS = {name: value for name, value in SMALLEST.items() if name != "author"} | {"anonymity": "anonymous"}


def submitted(base: Body = SMALLEST, **members: Any) -> Submission:  # noqa: ANN401 -- any JSON
    body = {name: value for name, value in {**base, **members}.items() if value != "absent"}
    return fill(Submission, canonical(body), body, null_is_absent=True)


def faults_of(send: Callable[[], object]) -> list[tuple[str, str]]:
    """Where what is sent is at fault, and how."""
    try:
        send()
    except (Invalid, PersonalDataFound) as refusal:
        return [(fault.pointer, fault.code) for fault in refusal.faults]
    return []


def faults(base: Body = SMALLEST, **members: Any) -> list[tuple[str, str]]:  # noqa: ANN401 -- any JSON
    return faults_of(lambda: submitted(base, **members))


def test_the_smallest_submission_has_everything_else_absent() -> None:
    assert submitted().model_dump(mode="json") == {
        "id": None,
        "external_id": None,
        "title": None,
        "text": "They are 12 minutes apart on paper and 25 by road.",
        "site": None,
        "group": "care_worker",
        "anonymity": "named",
        "author": {
            "ref": "staff-118",
            "name": None,
            "job_role": None,
            "preferred_language": None,
            "preferred_format": None,
        },
        "co_authors": [],
        "lenses": [],
        "tags": [],
        "language": None,
        "safety": {"at_risk_now": False, "own_employment": False},
        "captured_at": None,
    }


def test_the_example_of_the_document_is_a_submission() -> None:
    [example] = Submission.model_json_schema()["examples"]
    assert submitted(example, external_id="idea-1").external_id == "idea-1"


@pytest.mark.parametrize("name", ["text", "group", "anonymity", "safety", "author"])
def test_what_is_required_is_missed(name: str) -> None:
    assert faults(SMALLEST, **{name: "absent"}) == [(f"/{name}", "missing")]
    assert faults(SMALLEST, **{name: None}) == [(f"/{name}", "missing")]


@pytest.mark.parametrize("name", ["at_risk_now", "own_employment"])
def test_both_questions_are_answered(name: str) -> None:
    safety = {"at_risk_now": False, "own_employment": False}
    del safety[name]
    assert faults(safety={**safety}) == [(f"/safety/{name}", "missing")]
    for answer in ("no", 0, "false"):
        assert faults(safety={**safety, name: answer}) == [(f"/safety/{name}", "wrong_type")]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"text": ""}, ("/text", "too_short")),
        ({"text": " \u200b\n"}, ("/text", "too_short")),
        ({"text": "x" * 5001}, ("/text", "too_long")),
        ({"title": "x" * 201}, ("/title", "too_long")),
        ({"external_id": "x" * 201}, ("/external_id", "too_long")),
        ({"tags": ["x"] * 21}, ("/tags", "too_long")),
        ({"tags": ["rota", "x" * 51]}, ("/tags/1", "too_long")),
        ({"tags": ["rota", ""]}, ("/tags/1", "too_short")),
        ({"author": {"ref": "x" * 201}}, ("/author/ref", "too_long")),
        ({"author": {}}, ("/author/ref", "missing")),
        ({"author": {"ref": "a", "job_role": {"system": "asc_wds"}}}, ("/author/job_role/code", "missing")),
        (
            {"author": {"ref": "a", "job_role": {"system": "nhs", "code": "8"}}},
            ("/author/job_role/system", "not_allowed"),
        ),
        ({"co_authors": [{"name": "Jo"}]}, ("/co_authors/0/ref", "missing")),
        ({"group": "boss"}, ("/group", "not_allowed")),
        ({"anonymity": "secret"}, ("/anonymity", "not_allowed")),
        ({"lenses": ["structure", "money"]}, ("/lenses/1", "not_allowed")),
        ({"language": "english please"}, ("/language", "wrong_format")),
        ({"captured_at": "2026-11-22 21:14"}, ("/captured_at", "wrong_format")),
        ({"captured_at": "2026-11-22T21:14:00"}, ("/captured_at", "wrong_format")),
        ({"captured_at": "2026-02-30T21:14:00Z"}, ("/captured_at", "out_of_range")),
        ({"id": "0199b6f01c2d7e3f8a4b5c6d7e8f9a0b"}, ("/id", "wrong_format")),
        ({"state": "closed"}, ("/state", "unknown")),
        ({"safety": {"at_risk_now": False, "own_employment": False, "why": "x"}}, ("/safety/why", "unknown")),
        ({"site": 7}, ("/site", "wrong_type")),
    ],
)
def test_a_member_that_does_not_fit_is_named(members: dict[str, Any], expected: tuple[str, str]) -> None:
    assert faults(**members) == [expected]


def test_white_space_and_invisible_characters_at_both_ends_do_not_count() -> None:
    text = "\u200b \n" + "x" * 5000 + "\ufeff\t"
    assert submitted(text=text).text == text


@pytest.mark.parametrize("anonymity", ["named", "confidential"])
@pytest.mark.parametrize("made", [VERSION_4, VERSION_7, VERSION_7.upper()])
def test_a_client_makes_ids_of_version_4_or_7(anonymity: str, made: str) -> None:
    assert str(submitted(anonymity=anonymity, id=made).id) == made.lower()


@pytest.mark.parametrize(
    "made",
    [
        "c232ab00-9414-11ec-b3c8-9f6bdeced846",  # version 1
        "1ec9414c-232a-6b00-b3c8-9f6bdeced846",  # version 6
        "320c3d4d-cc00-875b-8ec9-32d5f69181c0",  # version 8
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ],
)
def test_other_versions_are_refused(made: str) -> None:
    assert faults(id=made) == [("/id", "not_allowed")]
    assert faults(ANONYMOUS, id=made) == [("/id", "not_allowed")]


def test_an_anonymous_submission_carries_nothing_of_its_author() -> None:
    assert submitted(ANONYMOUS, id=VERSION_4).author is None
    assert faults(ANONYMOUS, id=VERSION_7) == [("/id", "not_allowed")]
    assert faults(ANONYMOUS, author={"ref": "staff-118"}) == [("/author", "not_allowed")]
    assert faults(ANONYMOUS, co_authors=[{"ref": "staff-9"}]) == [("/co_authors", "not_allowed")]
    everything = faults(ANONYMOUS, id=VERSION_7, author={"ref": "staff-118"}, co_authors=[{"ref": "staff-9"}])
    assert sorted(everything) == [("/author", "not_allowed"), ("/co_authors", "not_allowed"), ("/id", "not_allowed")]


@pytest.mark.parametrize("anonymity", ["named", "confidential"])
def test_every_other_submission_names_its_author(anonymity: str) -> None:
    assert faults(anonymity=anonymity, author="absent") == [("/author", "missing")]


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"text": f"Ask about {NHS_NUMBER}."}, "/text"),
        ({"title": NHS_NUMBER}, "/title"),
        ({"tags": ["rota", NHS_NUMBER]}, "/tags/1"),
        ({"author": {"ref": "a", "name": NHS_NUMBER}}, "/author/name"),
        ({"co_authors": [{"ref": "a", "name": NHS_NUMBER}]}, "/co_authors/0/name"),
        ({"author": {"ref": "a", "preferred_format": NHS_NUMBER}}, "/author/preferred_format"),
    ],
)
def test_personal_numbers_are_refused_in_every_free_text(members: dict[str, Any], pointer: str) -> None:
    assert faults(**members) == [(pointer, "nhs_number")]


def test_references_belong_to_the_calling_system_and_may_be_any_digits() -> None:
    sent = submitted(author={"ref": "9434765919"}, external_id="9434765919", site="9434765919")
    assert (sent.external_id, sent.site) == ("9434765919", "9434765919")


def test_a_refusal_of_personal_data_tells_the_position_and_not_the_value() -> None:
    body: dict[str, Any] = {**SMALLEST, "text": f"\N{OLDER WOMAN} {NHS_NUMBER} and again AB 12 34 56 C"}
    with pytest.raises(PersonalDataFound) as caught:
        fill(Submission, canonical(body), body, null_is_absent=True)
    assert caught.value.faults == (Fault("/text", "nhs_number", "The text holds an NHS number.", 2),)
    assert "943" not in str(caught.value.members)


# ── rewording ──


def reworded(**members: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
    body = dict(members)
    return fill(Rewording, canonical(body), body, null_is_absent=False).model_dump(mode="json", exclude_unset=True)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({}, {}),
        ({"title": "Two pairs"}, {"title": "Two pairs"}),
        ({"title": None}, {"title": None}),
        ({"tags": None, "lenses": ["structure"]}, {"tags": None, "lenses": ["structure"]}),
        ({"text": "Shorter."}, {"text": "Shorter."}),
    ],
)
def test_a_merge_patch_holds_what_was_sent(sent: dict[str, Any], kept: dict[str, Any]) -> None:
    assert reworded(**sent) == kept


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"text": None}, ("/text", "wrong_type")),
        ({"text": ""}, ("/text", "too_short")),
        ({"group": "manager"}, ("/group", "unknown")),
        ({"text": NHS_NUMBER}, ("/text", "nhs_number")),
        ({"tags": [NHS_NUMBER]}, ("/tags/0", "nhs_number")),
    ],
)
def test_a_merge_patch_is_held_to_the_same_rules(sent: dict[str, Any], expected: tuple[str, str]) -> None:
    assert faults_of(lambda: reworded(**sent)) == [expected]


# ── contact details ──


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("mask", ("Ring ***** ****** about it", True)), ("warn", ("Ring 07700 900123 about it", True))],
)
def test_a_policy_masks_contact_details_or_lets_them_stand(policy: str, expected: tuple[str, bool]) -> None:
    assert treated("Ring 07700 900123 about it", "/text", Policy.model_validate({"personal_data": policy})) == expected


def test_a_strict_policy_refuses_contact_details() -> None:
    with pytest.raises(PersonalDataFound) as caught:
        treated("Ring 07700 900123 or me@home.example", "/title", Policy(personal_data="strict"))
    words = "The text holds contact details of a person, which your organisation refuses."
    assert sorted(caught.value.faults, key=lambda fault: fault.position or 0) == [
        Fault("/title", "contact_details", words, 5),
        Fault("/title", "contact_details", words, 21),
    ]


@pytest.mark.parametrize("policy", ["mask", "warn", "strict"])
@pytest.mark.parametrize("text", [None, "Two fixed pairs"])
def test_what_holds_no_contact_details_stays_as_it_is(policy: str, text: str | None) -> None:
    assert treated(text, "/text", Policy.model_validate({"personal_data": policy})) == (text, False)


@pytest.mark.parametrize(
    ("lenses", "tags", "calls"),
    [
        ((), (), False),
        (("what_matters_most",), (), True),
        ((), ("rota", "what_matters_most"), True),
        (("structure",), ("What matters most",), False),
    ],
)
def test_the_lens_or_the_tag_calls_for_voices(lenses: tuple[str, ...], tags: tuple[str, ...], *, calls: bool) -> None:
    assert is_about_what_matters_most(lenses, tags) is calls
