"""Where else an author can turn to: texts by nation and situation, from `app/data/signposts.json`.

They are data and no advice of this program: the file says which version it is and by when people have to read it again.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import Field

from app.domain.vocabulary import Nation
from app.kit.shapes import Shape
from app.services.words import ENGLISH, Language

Situation = Literal["always", "at_risk_now", "own_employment"]


class SignpostTexts(Shape):
    """A signpost in one language."""

    title: str
    text: str
    contact: str


class Signpost(Shape):
    """A signpost, the nations in which it holds, and the situations in which it is shown."""

    code: str
    nations: tuple[Nation, ...]
    situations: tuple[Situation, ...]
    texts: Mapping[Language, SignpostTexts]


class Signposts(Shape):
    """The file. `version` rises with every change of a text; `drafts` says why a language's texts are not final."""

    format: Literal[1]
    version: Annotated[int, Field(ge=1)]
    review_due_on: date
    drafts: Mapping[Language, str]
    signposts: tuple[Signpost, ...]


@cache
def read_signposts() -> Signposts:
    """The whole file; the first call reads it."""
    return Signposts.model_validate_json(files("app").joinpath("data", "signposts.json").read_bytes())


def signposts_for(
    nation: Nation,
    at_risk_now: bool,  # noqa: FBT001 -- the author's two answers, in the order of the two questions
    own_employment: bool,  # noqa: FBT001 -- the same
    language: Language = ENGLISH,
    overrides: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[dict[str, str], ...]:
    """The signposts for an author's answers to the two questions about safety, the most urgent first.

    Each is `code, title, text, contact`. `overrides` are an organisation's own texts: by code, the members that differ.
    """
    situations: set[Situation] = {"always"}
    situations |= {"at_risk_now"} if at_risk_now else set()
    situations |= {"own_employment"} if own_employment else set()
    own = overrides or {}
    return tuple(
        {"code": one.code, **one.texts[language].model_dump(), **own.get(one.code, {})}
        for one in read_signposts().signposts
        if nation in one.nations and not situations.isdisjoint(one.situations)
    )
