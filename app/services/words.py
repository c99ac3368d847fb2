"""What the codes of this service are called, and what they mean, in the languages of the people who read them.

All of it stands in one file, `app/data/words.json`: by kind (`state`, `act`, `outcome`, `event`, …), code and language.
A test walks the vocabularies and finds what is missing there.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias, get_args

from app.kit.shapes import Shape

Language: TypeAlias = Literal["en", "cy"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
ENGLISH: Language = "en"

_MAX_HEADER = 1000
_WEIGHTED_RANGE = re.compile(
    r"(?P<range>\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)"
    r"(?:[ \t]*;[ \t]*[Qq]=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)


class Texts(Shape):
    """What is said about one code in one language.

    `timeline` is the sentence for the author, without names, where the code is a type of event; `broken` the sentence
    for the author where it is a promise that was not kept.
    """

    label: str
    explanation: str
    timeline: str | None = None
    broken: str | None = None


class Words(Shape):
    """The file. `drafts` says of a language why its texts are not final yet."""

    format: Literal[1]
    drafts: Mapping[Language, str]
    words: Mapping[str, Mapping[str, Mapping[Language, Texts]]]


@cache
def read_words() -> Words:
    """The whole file; the first call reads it."""
    return Words.model_validate_json(files("app").joinpath("data", "words.json").read_bytes())


def label(kind: str, code: str, language: str = ENGLISH) -> str:
    """What a code is called: a few words, without a full stop."""
    return _texts(kind, code, language).label


def explanation(kind: str, code: str, language: str = ENGLISH) -> str:
    """What a code means, in one sentence."""
    return _texts(kind, code, language).explanation


def timeline_text(event_type: str, language: str = ENGLISH) -> str:
    """The sentence of an event in the author's timeline, without names."""
    return _texts("event", event_type, language).timeline or ""


def broken_text(promise: str, language: str = ENGLISH) -> str:
    """The sentence that tells an author that a promise (`P3`, …) was not kept."""
    return _texts("promise", promise, language).broken or ""


def is_draft(language: str) -> bool:
    """Whether nobody who speaks the language has read its texts yet."""
    return language in read_words().drafts


def choose_language(preferred: str | None, accept_language: str | None) -> Language:
    """The language to answer in: the author's own, only without one what the request asks for, English by default.

    `preferred` is a language tag (`cy`, `en-GB`); one that there are no texts in is answered in English.
    `accept_language` is the field as it was sent (RFC 9110, section 12.5.4): of several equal wishes the first counts,
    what is malformed is passed over, and so is what stands behind the first 1,000 characters.
    """
    if preferred is not None:
        return _known(preferred) or ENGLISH
    return _most_wanted(accept_language or "")


def _most_wanted(accept_language: str) -> Language:
    """The language with the highest weight; a region does not matter, and `*` stands for those not named."""
    weights: dict[Language, float] = {}
    others = 0.0
    for part in accept_language[:_MAX_HEADER].split(","):
        if (found := _WEIGHTED_RANGE.fullmatch(part.strip(" \t"))) is None:
            continue
        weight = float(found["weight"] or 1)
        if found["range"] == "*":
            others = max(others, weight)
        elif (language := _known(found["range"])) is not None:
            weights[language] = max(weight, weights.get(language, 0))
    for language in LANGUAGES:
        weights.setdefault(language, others)
    wanted = max(weights, key=weights.__getitem__)
    return wanted if weights[wanted] > 0 else ENGLISH


def _known(tag: str) -> Language | None:
    """The language of a tag, if there are texts in it."""
    primary = tag.partition("-")[0].lower()
    return next((language for language in LANGUAGES if language == primary), None)


def _texts(kind: str, code: str, language: str) -> Texts:
    """The texts of a code. While versions change over, a newer server may have stored a code that this one has no words
    for: it is called something new, and nothing breaks.
    """
    words = read_words().words
    in_languages = words[kind].get(code, words["fallback"]["unknown"])
    return in_languages[_known(language) or ENGLISH]
