"""The texts of the domain: their lengths, and the rule that free text holds no personal number.

Lengths are code points without white space and invisible characters at both ends (`kit.shapes.length`). Every text
that a person writes is checked for NHS and National Insurance numbers; references and external ids are not, because
they belong to the calling system and may be any digits.
"""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.domain.personal_data import personal_numbers
from app.domain.vocabulary import FeedbackMode, Group, JobRoleSystem
from app.kit.shapes import Shape, length

MAX_TEXT = 5000
MAX_SUMMARY = 300
MAX_TITLE = 200
MAX_REF = 200
MAX_TAG = 50
MAX_TAGS = 20
MIN_RATIONALE = 80


def _refuse_personal_numbers(text: str) -> str:
    for found in personal_numbers(text):
        raise PydanticCustomError(found.code.value, "A personal number is refused.", {"position": found.position})
    return text


NO_PERSONAL_NUMBERS = AfterValidator(_refuse_personal_numbers)

LongText = Annotated[str, length(1, MAX_TEXT), NO_PERSONAL_NUMBERS]
Rationale = Annotated[str, length(MIN_RATIONALE, MAX_TEXT), NO_PERSONAL_NUMBERS]
Summary = Annotated[str, length(1, MAX_SUMMARY), NO_PERSONAL_NUMBERS]
Title = Annotated[str, length(1, MAX_TITLE), NO_PERSONAL_NUMBERS]
Name = Annotated[str, length(1, MAX_TITLE), NO_PERSONAL_NUMBERS]
Tag = Annotated[str, length(1, MAX_TAG), NO_PERSONAL_NUMBERS]
Ref = Annotated[str, length(1, MAX_REF)]
"""A person or thing in the caller's own system: compared as it is, never looked into."""
SiteName = Annotated[str, length(1, MAX_REF)]
"""A site, by its id or its code."""
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", max_length=35)]
"""A language tag (BCP 47), for example `en`, `cy` or `en-GB`."""


class Actor(Shape, json_schema_extra={"examples": [{"ref": "mgr-7", "group": "manager", "role": "chair"}]}):
    """The person, known in the caller's system, on whose behalf an act is done."""

    ref: Ref
    group: Group
    role: Name | None = None


class Steward(Shape):
    """The named person who owes the author an answer."""

    ref: Annotated[Ref, Field(examples=["mgr-7"])]
    name: Annotated[Name, Field(examples=["Sam Hollis"])]


class Member(Shape):
    """A member of a panel."""

    ref: Annotated[Ref, Field(examples=["cw-1"])]
    group: Group


class JobRole(Shape):
    """A job role by a code of Skills for Care's workplace data set or of the caller's own."""

    system: JobRoleSystem
    code: Tag


class Author(Shape):
    """Who raised a suggestion. `ref` is the person in the caller's system."""

    ref: Ref
    name: Name | None = None
    job_role: JobRole | None = None
    preferred_language: Language | None = None
    preferred_format: Tag | None = None


class MessageToAuthor(
    Shape,
    json_schema_extra={
        "examples": [
            {"text": "Thank you. We have read your idea.", "summary": "We have read it.", "feedback_mode": "A"}
        ]
    },
):
    """What is written to the author: the text, a summary that fits one text message, and what it is for."""

    text: LongText
    summary: Summary
    feedback_mode: FeedbackMode
