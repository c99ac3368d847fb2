"""What is sent when a suggestion is submitted or reworded, and the rules about its parts."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import MISSING, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.domain.personal_data import contact_details, mask
from app.domain.policy import Policy
from app.domain.texts import MAX_TAGS, Author, Language, LongText, Ref, SiteName, Tag, Title
from app.domain.vocabulary import Anonymity, Group, Lens
from app.kit.refusals import Fault, PersonalDataFound
from app.kit.shapes import Id, Instant, Shape

CLIENT_ID_VERSIONS = (4, 7)
Tags = Annotated[tuple[Tag, ...], Field(max_length=MAX_TAGS)]
Lenses = Annotated[tuple[Lens, ...], Field(max_length=len(Lens))]
WHAT_MATTERS_MOST = Lens.WHAT_MATTERS_MOST.value


class Safety(Shape):
    """The two questions that every submission answers."""

    at_risk_now: Annotated[bool, Field(description="Is anyone being harmed or at risk now? If so, it is held at once.")]
    own_employment: Annotated[bool, Field(description="Is this about the author's own employment?")]


_EXAMPLE = {
    "external_id": "idea-8841",
    "title": "Pair the double-up calls at Brough",
    "text": "They are 12 minutes apart on paper and 25 by road.",
    "group": "care_worker",
    "anonymity": "confidential",
    "author": {"ref": "staff-118", "name": "Adaeze", "preferred_language": "en", "preferred_format": "text"},
    "lenses": ["structure"],
    "tags": ["rota"],
    "language": "en",
    "safety": {"at_risk_now": False, "own_employment": False},
    "captured_at": "2026-11-22T21:14:00Z",
}


class Submission(Shape, json_schema_extra={"examples": [_EXAMPLE]}):
    """A suggestion as it is submitted.

    A client may make the id itself (version 4 or 7, version 4 for an anonymous one), so that a phone without a signal
    can send it again: the same id or external id with the same content is the same suggestion.
    """

    id: Id | None = None
    external_id: Ref | None = None
    title: Title | None = None
    text: LongText
    site: SiteName | None = None
    group: Group
    anonymity: Anonymity
    author: Author | None = None
    co_authors: Annotated[tuple[Author, ...], Field(max_length=20)] = ()
    lenses: Lenses = ()
    tags: Tags = ()
    language: Language | None = None
    safety: Safety
    captured_at: Instant | None = None

    @model_validator(mode="after")
    def _parts_fit_the_anonymity(self) -> Self:
        faults = list(self._faults())
        if faults:
            raise ValidationError.from_exception_data(type(self).__name__, faults)
        return self

    def _faults(self) -> Iterator[InitErrorDetails]:
        anonymous = self.anonymity is Anonymity.ANONYMOUS
        if self.id is not None and self.id.version not in ((4,) if anonymous else CLIENT_ID_VERSIONS):
            yield _refused("id")
        if not anonymous and self.author is None:
            yield InitErrorDetails(type="missing", loc=("author",), input=None)
        if anonymous and self.author is not None:
            yield _refused("author")
        if anonymous and self.co_authors:
            yield _refused("co_authors")


class Rewording(Shape, json_schema_extra={"examples": [{"title": "Two fixed pairs for the double-up calls"}]}):
    """A merge patch: what is not named stays, null takes away. The old wording is kept for audit."""

    title: Title | MISSING | None = MISSING
    text: LongText | MISSING = MISSING
    tags: Tags | MISSING | None = MISSING
    lenses: Lenses | MISSING | None = MISSING


def _refused(name: str) -> InitErrorDetails:
    error = PydanticCustomError("not_allowed", "not allowed here")
    return InitErrorDetails(type=error, loc=(name,), input=None)


def treated(text: str | None, pointer: str, policy: Policy) -> tuple[str | None, bool]:
    """The text as it is kept under the organisation's policy, and whether it held contact details.

    Raises PersonalDataFound where the policy refuses them.
    """
    found = [] if text is None else list(contact_details(text))
    if not found or text is None:
        return text, False
    if policy.personal_data == "strict":
        words = "The text holds contact details of a person, which your organisation refuses."
        raise PersonalDataFound(*(Fault(pointer, place.code.value, words, place.position) for place in found))
    return (mask(text, iter(found)) if policy.personal_data == "mask" else text), True


def is_about_what_matters_most(lenses: tuple[str, ...], tags: tuple[str, ...]) -> bool:
    """Whether somebody with lived experience, or family, must vote on it."""
    return WHAT_MATTERS_MOST in lenses or WHAT_MATTERS_MOST in tags
