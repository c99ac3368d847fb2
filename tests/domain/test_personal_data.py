"""Personal numbers and contact details in free text."""

import re
from collections.abc import Callable, Iterable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.personal_data import Found, PersonalDataCode, contact_details, mask, personal_numbers

NHS = PersonalDataCode.NHS_NUMBER
INSURANCE = PersonalDataCode.NATIONAL_INSURANCE_NUMBER
CONTACT = PersonalDataCode.CONTACT_DETAILS

WORDS = st.text("abcdefghij äß,.;:()\n", max_size=20)
SEPARATORS = st.sampled_from(["", " ", "-"])
NINE_DIGITS = st.text("0123456789", min_size=9, max_size=9)


def check_digit(nine: str) -> str | None:
    """The tenth digit by the NHS Data Dictionary, written here a second time; None where there is no such number."""
    remainder = sum(int(digit) * weight for digit, weight in zip(nine, (10, 9, 8, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    wanted = 11 - remainder
    if wanted == 10:
        return None
    return "0" if wanted == 11 else str(wanted)


@st.composite
def nhs_numbers(draw: st.DrawFn) -> str:
    nine = draw(NINE_DIGITS)
    tenth = check_digit(nine)
    assume(tenth is not None)
    return f"{nine}{tenth}"


def written(number: str, separator: str) -> str:
    return separator.join((number[:3], number[3:6], number[6:]))


def numbers_in(text: str) -> list[Found]:
    return list(personal_numbers(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The example of the NHS Data Dictionary, and two others that fit.
        ("943 476 5919", [Found(NHS, 0, 12)]),
        ("Mrs Hale (9434765919) asked", [Found(NHS, 10, 10)]),
        ("401-023-2137", [Found(NHS, 0, 12)]),
        ("her number is 987 654 3210.", [Found(NHS, 14, 12)]),
        ("“943 476 5919”", [Found(NHS, 1, 12)]),
        ("943 476 5919 and 401 023 2137", [Found(NHS, 0, 12), Found(NHS, 17, 12)]),
        # The position counts code points, whatever stands before.
        ("\N{OLDER WOMAN} 9434765919", [Found(NHS, 2, 10)]),
        # A wrong check digit is no number.
        ("943 476 5918", []),
        # A check digit of 10 makes no number, whatever the tenth digit is.
        *((f"000000001{digit}", [Found(NHS, 0, 10)] if digit == 9 else []) for digit in range(10)),
        *((f"000000006{digit}", []) for digit in range(10)),
        # Other groupings are no NHS number.
        ("9434 765 919", []),
        ("943-476 5919", []),
        ("943  476  5919", []),
        ("943.476.5919", []),
        # Part of a longer number: a bank card, a reference, an international telephone number.
        ("19434765919", []),
        ("94347659191", []),
        ("4929 943 476 5919", []),
        ("943 476 5919 0331", []),
        ("+44 943 476 5919", []),
        ("+449434765919", []),
        ("0044 9434765919", []),
        ("+44 (0)943 476 5919", []),
        # Digits of other scripts are no digits of an NHS number.
        ("٩٤٣٤٧٦٥٩١٩", []),
    ],
)
def test_nhs_numbers_are_found_by_their_check_digit(text: str, expected: list[Found]) -> None:
    assert numbers_in(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("QQ 12 34 56 A", []),  # HMRC's example is never given out: Q is no first letter.
        ("AB123456C", [Found(INSURANCE, 0, 9)]),
        ("ab 12 34 56 c", [Found(INSURANCE, 0, 13)]),
        ("NI: AB 12 34 56 D.", [Found(INSURANCE, 4, 13)]),
        # NIM39110: letters and prefixes that are never used.
        *((f"{prefix}123456A", []) for prefix in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")),
        *((f"{letter}A123456A", []) for letter in "DFIQUV"),
        *((f"A{letter}123456A", []) for letter in "DFIOQUV"),
        *((f"AB123456{letter}", []) for letter in "EFZ"),
        # Part of a longer word or number.
        ("XAB123456C", []),
        ("AB123456CD", []),
        ("AB1234567C", []),
        ("1AB123456C", []),
    ],
)
def test_national_insurance_numbers_follow_the_manual(text: str, expected: list[Found]) -> None:
    assert numbers_in(text) == expected


@given(WORDS, nhs_numbers(), SEPARATORS, WORDS)
def test_a_valid_nhs_number_is_found_in_any_words(before: str, number: str, separator: str, after: str) -> None:
    shown = written(number, separator)
    assert numbers_in(f"{before}{shown}{after}") == [Found(NHS, len(before), len(shown))]


@given(nhs_numbers(), SEPARATORS, st.integers(1, 9))
def test_another_tenth_digit_makes_no_nhs_number(number: str, separator: str, more: int) -> None:
    other = number[:9] + str((int(number[9]) + more) % 10)
    assert numbers_in(written(other, separator)) == []


@given(st.text("0123456789", min_size=11, max_size=30))
def test_a_longer_number_holds_no_nhs_number(digits: str) -> None:
    assert numbers_in(digits) == []


@given(nhs_numbers(), SEPARATORS, st.sampled_from(["+44", "+44 ", "+44-", "0044 ", "+44 (0)", "+44 (0) "]))
def test_a_telephone_number_with_its_country_code_is_no_nhs_number(number: str, separator: str, code: str) -> None:
    assert numbers_in(code + written(number, separator)) == []


@given(
    st.sampled_from("ABCEGHJKLMNOPRSTWXYZ"),
    st.sampled_from("ABCEGHJKLMNPRSTWXYZ"),
    st.text("0123456789", min_size=6, max_size=6),
    st.sampled_from("ABCD"),
    st.sampled_from(["", " "]),
    st.sampled_from([str.upper, str.lower]),
)
def test_a_national_insurance_number_is_found_however_it_is_written(
    first: str,
    second: str,
    digits: str,
    suffix: str,
    separator: str,
    case: Callable[[str], str],
) -> None:
    assume(first + second not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})
    parts = [first + second, digits[:2], digits[2:4], digits[4:], suffix]
    text = case(separator.join(parts))
    assert numbers_in(text) == [Found(INSURANCE, 0, len(text))]


@pytest.mark.parametrize(
    ("text", "details"),
    [
        ("Ask adaeze.o@fellside.example about it", ["adaeze.o@fellside.example"]),
        ("Ring 017683 41234 or 07700 900123.", ["017683 41234", "07700 900123"]),
        ("+44 7700 900123", ["+44 7700 900123"]),
        ("+44 (0)7700 900123", ["+44 (0)7700 900123"]),
        ("The house at CA17 4AR, behind the hall", ["CA17 4AR"]),
        ("She was born on 3 May 1938", ["3 May 1938"]),
        ("DOB: 03/05/1938", ["03/05/1938"]),
        ("date of birth 1938-05-03", ["1938-05-03"]),
        # What only looks like it.
        ("12 minutes apart on paper and 25 by road", []),
        ("from 06:00 to 14:30 on 2026-11-20", []),
        ("It costs £1,940 a year at 0.45 a mile", []),
        ("the rota of week 47, calls 3 and 4", []),
        ("A4 paper, form B2", []),
    ],
)
def test_contact_details_are_found_and_plain_numbers_are_not(text: str, details: list[str]) -> None:
    found = list(contact_details(text))
    assert [text[one.position : one.position + one.length] for one in found] == details
    assert {one.code for one in found} <= {CONTACT}


def test_a_mask_keeps_the_length_and_what_separates() -> None:
    text = "Ring 07700 900123 or write to me@home.example."
    assert mask(text, contact_details(text)) == "Ring ***** ****** or write to **@****.*******."
    number = "Mrs Hale, 943 476 5919, and AB 12 34 56 C"
    assert mask(number, personal_numbers(number)) == "Mrs Hale, *** *** ****, and ** ** ** ** *"


@given(st.lists(st.one_of(WORDS, nhs_numbers().map(lambda number: written(number, " "))), max_size=5).map("/".join))
def test_what_was_masked_is_found_no_more(text: str) -> None:
    masked = mask(text, personal_numbers(text))
    assert numbers_in(masked) == []
    assert len(masked) == len(text)
    assert letters_beside(masked, numbers_in(text)) == letters_beside(text, numbers_in(text))


def letters_beside(text: str, found: Iterable[Found]) -> str:
    """The text without the places that were found."""
    for one in found:
        text = text[: one.position] + "\0" * one.length + text[one.position + one.length :]
    return re.sub("\0+", "", text)
