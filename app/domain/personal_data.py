"""Personal numbers and contact details in free text: found by rule, never repeated.

NHS number: ten digits, unbroken or written 3-3-4, the last a check digit (modulus 11, NHS Data Dictionary). Ten digits
that are part of a longer number, or that follow the country code +44 (a telephone number), are none.
National Insurance number: two letters, six digits, a suffix A to D (HM Revenue and Customs, NIM39110).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_SPACES = " \u00a0\u2007\u2009\u202f-"
"""What people, and pages that they copy from, write between the parts of a number."""
_NHS = re.compile(
    rf"(?<![0-9])(?<![0-9][{_SPACES}])([0-9]{{3}})([{_SPACES}]?)([0-9]{{3}})\2([0-9]{{4}})(?![0-9])(?![{_SPACES}][0-9])",
    re.ASCII,
)
_COUNTRY_CODE = re.compile(r"(?:\+|00)\s?44[\s(0)-]*$")
_INSURANCE = re.compile(
    rf"(?<![0-9A-Za-z])(?!BG|GB|KN|NK|NT|TN|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z]"
    rf"[{_SPACES}]?[0-9]{{2}}[{_SPACES}]?[0-9]{{2}}[{_SPACES}]?[0-9]{{2}}[{_SPACES}]?[A-D](?![0-9A-Za-z])",
    re.IGNORECASE | re.ASCII,
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", re.ASCII)
_PHONE = re.compile(r"(?<![\w+])(?:\+44[\s-]?(?:\(0\))?|0)(?:[\s-]?[0-9]){9,10}(?![0-9])", re.ASCII)
_POSTCODE = re.compile(
    r"(?<![0-9A-Za-z])(?:GIR ?0AA|[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][ABD-HJLNP-UW-Z]{2})(?![0-9A-Za-z])", re.ASCII
)
_BIRTH_DATE = re.compile(
    r"(?:\bborn(?:\s+on)?|\bdate of birth|\bd\.?o\.?b\.?)\s*:?\s*"
    r"([0-9]{1,2}[./ -](?:[0-9]{1,2}|[A-Za-z]{3,9})[./ -][0-9]{2,4}|[0-9]{4}-[0-9]{2}-[0-9]{2})",
    re.IGNORECASE | re.ASCII,
)


class PersonalDataCode(StrEnum):
    """What was found, in the words of the API."""

    NHS_NUMBER = "nhs_number"
    NATIONAL_INSURANCE_NUMBER = "national_insurance_number"
    CONTACT_DETAILS = "contact_details"


@dataclass(frozen=True)
class Found:
    """A place in a text: code points before it, and its length. The value itself is never kept."""

    code: PersonalDataCode
    position: int
    length: int


def personal_numbers(text: str) -> Iterator[Found]:
    """NHS and National Insurance numbers in the text, in the order of their places for each kind."""
    for match in _NHS.finditer(text):
        digits = match[1] + match[3] + match[4]
        if _has_check_digit(digits) and not _COUNTRY_CODE.search(text[: match.start()]):
            yield Found(PersonalDataCode.NHS_NUMBER, match.start(), len(match[0]))
    for match in _INSURANCE.finditer(text):
        yield Found(PersonalDataCode.NATIONAL_INSURANCE_NUMBER, match.start(), len(match[0]))


def contact_details(text: str) -> Iterator[Found]:
    """E-mail addresses, telephone numbers, postcodes and dates of birth in the text."""
    for pattern in (_EMAIL, _PHONE, _POSTCODE):
        for match in pattern.finditer(text):
            yield Found(PersonalDataCode.CONTACT_DETAILS, match.start(), len(match[0]))
    for match in _BIRTH_DATE.finditer(text):
        yield Found(PersonalDataCode.CONTACT_DETAILS, match.start(1), len(match[1]))


def mask(text: str, found: Iterator[Found]) -> str:
    """The text with every letter and digit of what was found replaced by an asterisk; its length stays."""
    letters = list(text)
    for place in found:
        for index in range(place.position, place.position + place.length):
            if letters[index].isalnum():
                letters[index] = "*"
    return "".join(letters)


def _has_check_digit(digits: str) -> bool:
    """Modulus 11: weights 10 down to 2; a remainder of 11 counts as 0, and 10 makes no number."""
    total = sum(int(digit) * weight for digit, weight in zip(digits[:9], range(10, 1, -1), strict=True))
    check = (11 - total % 11) % 11
    return check == int(digits[9])
