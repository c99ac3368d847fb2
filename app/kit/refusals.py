"""Refusals: the exceptions that say why a request is not carried out, and the faults that some of them list.

A refusal carries a code and its words. Which HTTP status a code is answered with is decided in one place of the web
layer, and nowhere here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

MAX_FAULTS = 100
MAX_POINTER_CHARACTERS = 32 * 1024
"""What the pointers of one refusal may hold together; a body may hide a hundred faults under one very long name."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of `errors`: where it is, the code of what is wrong, and a sentence without anything that was sent."""

    pointer: str
    """A JSON pointer into the body (RFC 6901), or `?name` for a query parameter."""
    code: str
    detail: str
    position: int | None = None
    """Code points that stand before what was found, within the text at `pointer`."""


class Refusal(Exception):  # noqa: N818 -- a refusal is an answer, not an error of this program
    """A request that is refused. Each subclass is one code."""

    code: ClassVar[str]
    detail: ClassVar[str] = ""
    """The words that are used where the one who raises the refusal gives none."""

    def __init__(self, detail: str = "", *, headers: dict[str, str] | None = None, **members: object) -> None:
        """Take further `headers` of the answer and further `members` of its problem document."""
        super().__init__(self.code)
        self.text = detail or self.detail
        self.headers = headers or {}
        self.members = members


class MalformedJson(Refusal):
    """The body is no JSON text as the contract reads it (RFC 8259 and the limits of `strict_json`)."""

    code = "malformed_json"
    detail = "The body is not a JSON text."


class Invalid(Refusal):
    """The body or the query breaks a rule about its members. `faults` names each place, at most MAX_FAULTS."""

    code = "invalid"
    detail = "The request breaks a rule about one or more of its members; each is named in `errors`."

    def __init__(self, *faults: Fault) -> None:
        """Keep the first faults, as many as one answer may list."""
        self.faults = _bounded(faults)
        super().__init__(errors=as_members(self.faults))


class PersonalDataFound(Refusal):
    """A free text holds what it may not. Each fault's code is one of PERSONAL_DATA_CODES, and it has a position."""

    code = "personal_data"
    detail = (
        "A free text holds a number or a contact detail that identifies a person. Each place is named in `errors`; "
        "please take it out and send the request again."
    )

    def __init__(self, *faults: Fault) -> None:
        """Keep the first faults, as many as one answer may list."""
        self.faults = _bounded(faults)
        super().__init__(errors=as_members(self.faults))


PERSONAL_DATA_CODES = frozenset({"nhs_number", "national_insurance_number", "contact_details"})


def as_members(faults: Iterable[Fault]) -> list[dict[str, str | int]]:
    """Return the faults as the entries of `errors`; `position` is left out where there is none."""
    return [
        {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
        | ({} if fault.position is None else {"position": fault.position})
        for fault in faults
    ]


def _bounded(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Return the first faults, so many that no small request brings about a huge answer, and at least one."""
    left = MAX_POINTER_CHARACTERS
    kept: list[Fault] = []
    for fault in faults[:MAX_FAULTS]:
        left -= len(fault.pointer)
        if kept and left < 0:
            break
        kept.append(fault)
    return tuple(kept)
