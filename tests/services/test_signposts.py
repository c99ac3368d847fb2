"""Where else an author can turn to: complete for every nation, and only with contacts that are known to be right."""

import re

import pytest

from app.domain.vocabulary import Nation
from app.services.signposts import read_signposts, signposts_for
from app.services.words import LANGUAGES, Language

KNOWN_NUMBERS = {
    "999",
    "111",
    "0300 123 1100",  # Acas
    "03300 555 300",  # Labour Relations Agency
    "03000 616161",  # Care Quality Commission
    "0300 7900 126",  # Care Inspectorate Wales
    "0345 600 9527",  # Care Inspectorate
    "020 3117 2520",  # Protect
}


def codes(nation: Nation, *, at_risk_now: bool = False, own_employment: bool = False) -> list[str]:
    return [one["code"] for one in signposts_for(nation, at_risk_now, own_employment)]


def test_what_is_shown_follows_the_authors_answers() -> None:
    nation = Nation.ENGLAND_WALES
    at_risk = ["urgent_medical_help", "safeguarding_lead", "adult_safeguarding_team", "care_regulator"]
    employment = ["employer_procedure", "employment_advice", "trade_union", "care_workers_charity"]
    assert codes(nation) == ["emergency"]
    assert codes(nation, at_risk_now=True) == ["emergency", *at_risk, "speaking_up"]
    assert codes(nation, own_employment=True) == ["emergency", "speaking_up", *employment]
    assert codes(nation, at_risk_now=True, own_employment=True) == [
        "emergency",
        *at_risk,
        "speaking_up",
        *employment,
    ]


@pytest.mark.parametrize("nation", Nation)
def test_every_nation_has_its_own_contacts(nation: Nation) -> None:
    found = {one["code"]: one["contact"] for one in signposts_for(nation, True, True)}  # noqa: FBT003 -- both questions
    expected = {
        Nation.ENGLAND_WALES: ("Care Quality Commission, 03000 616161", "Acas, 0300 123 1100"),
        Nation.SCOTLAND: ("Care Inspectorate, 0345 600 9527", "Acas, 0300 123 1100"),
        Nation.NORTHERN_IRELAND: ("(RQIA), www.rqia.org.uk", "Labour Relations Agency, 03300 555 300"),
    }[nation]
    assert expected[0] in found["care_regulator"]
    assert expected[1] in found["employment_advice"]
    assert found["emergency"] == "999"


def test_a_signpost_is_said_in_the_language_asked_for() -> None:
    assert signposts_for(Nation.SCOTLAND, False, False, "cy") == (  # noqa: FBT003 -- both questions
        {
            "code": "emergency",
            "title": "Mewn argyfwng",
            "text": "Os oes rhywun mewn perygl nawr neu wedi’i anafu’n ddrwg, ffoniwch 999. "
            "Nid oes neb yn darllen syniadau ddydd a nos.",
            "contact": "999",
        },
    )


def test_an_organisation_may_say_it_in_its_own_words() -> None:
    own = {"safeguarding_lead": {"contact": "Maureen, extension 12"}, "not_a_signpost": {"contact": "nobody"}}
    found = signposts_for(Nation.ENGLAND_WALES, True, False, "en", own)  # noqa: FBT003 -- both questions
    assert {one["code"]: one["contact"] for one in found}["safeguarding_lead"] == "Maureen, extension 12"
    others = [one for one in found if one["code"] != "safeguarding_lead"]
    plain = signposts_for(Nation.ENGLAND_WALES, True, False)  # noqa: FBT003 -- both questions
    assert others == [one for one in plain if one["code"] != "safeguarding_lead"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("nation", Nation)
def test_a_code_stands_once_in_each_answer(nation: Nation, language: Language) -> None:
    found = [one["code"] for one in signposts_for(nation, True, True, language)]  # noqa: FBT003 -- both questions
    assert sorted(found) == sorted(set(found))


def test_the_texts_are_complete_in_every_language() -> None:
    file = read_signposts()
    assert [one.code for one in file.signposts if set(one.texts) != set(LANGUAGES)] == []
    wrong = [
        texts
        for one in file.signposts
        for texts in one.texts.values()
        if not (texts.title and texts.text.endswith(".") and texts.contact) or texts.title.endswith(".")
    ]
    assert wrong == []
    assert [one.code for one in file.signposts if one.texts["en"].text == one.texts["cy"].text] == []
    assert set(file.drafts) == {"cy"}


def test_only_numbers_that_are_known_to_be_right_are_given() -> None:
    given = {
        number
        for one in read_signposts().signposts
        for texts in one.texts.values()
        for number in re.findall(r"\d[\d ]*\d", f"{texts.text}\n{texts.contact}")
    }
    assert given == KNOWN_NUMBERS


def test_a_number_is_the_same_in_every_language() -> None:
    differing = [
        one.code
        for one in read_signposts().signposts
        if len({tuple(re.findall(r"\d[\d ]*\d", texts.contact)) for texts in one.texts.values()}) != 1
    ]
    assert differing == []
