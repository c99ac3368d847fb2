"""The words for every code, in every language: none is missing, none is left over, and each reads as it should."""

import re
from collections.abc import Iterator
from typing import get_args

import pytest

import app.domain.acts  # noqa: F401 -- registers the acts
from app.domain.anonymity import Advice
from app.domain.lifecycle import ACTS
from app.domain.promises import PromiseName, StateName
from app.domain.reports.types import REPORTS
from app.domain.vocabulary import (
    Anonymity,
    FeedbackMode,
    Group,
    Lens,
    Outcome,
    ParticipationLevel,
    Progress,
    Reason,
    State,
    SupportKind,
)
from app.services.corrections import CORRECTED, RETRACTED, SAID, SAYS_NOW
from app.services.views import SuggestionView
from app.services.words import (
    LANGUAGES,
    Texts,
    broken_text,
    choose_language,
    explanation,
    is_draft,
    label,
    read_words,
    timeline_text,
)
from app.web.problem_texts import PROBLEMS

ACTS_EVENTS = {event for act in ACTS.values() for event in act.transition.events}
OTHER_EVENTS = {
    "suggestion.submitted",
    "suggestion.revised",
    "suggestion.opened",
    "suggestion.erased",
    "report.applied",
    "report.quarantined",
    "report.conflict",
    "report.dismissed",
    "subscription.suspended",
    "subscription.revived",
    "progress.changed",
    "promise.due_soon",
    "promise.broken",
    "source.silent",
    "source.recovered",
    "event.withheld",
    "safeguarding.report_kept",
}
"""The public types of events that no act writes."""

FLAGS = get_args(get_args(SuggestionView.model_fields["flags"].annotation)[0])

CODES: dict[str, set[str]] = {
    "state": set(State),
    "progress": set(Progress),
    "act": set(ACTS),
    "outcome": set(Outcome),
    "reason": set(Reason),
    "group": set(Group),
    "promise": set(get_args(PromiseName)),
    "promise_state": set(get_args(StateName)),
    "participation_level": set(ParticipationLevel),
    "anonymity": set(Anonymity),
    "anonymity_advice": set(get_args(Advice)),
    "feedback_mode": set(FeedbackMode),
    "report": set(REPORTS),
    "support_kind": set(SupportKind),
    "flag": set(FLAGS),
    "lens": set(Lens),
    "problem": set(PROBLEMS),
    "event": ACTS_EVENTS | OTHER_EVENTS,
    "message": {RETRACTED, CORRECTED, SAID, SAYS_NOW},
    "fallback": {"unknown"},
}
PLACEHOLDER = re.compile(r"\b(todo|tbd|fixme|xxx|lorem)\b|[{}<>\[\]_]|\.\.|…|\?\?|\s\s", re.IGNORECASE)


def entries() -> Iterator[tuple[str, str, str, Texts]]:
    """Each kind, code, language and what is said."""
    for kind, codes in read_words().words.items():
        for code, in_languages in codes.items():
            for language, texts in in_languages.items():
                yield kind, code, language, texts


def sentences_of(texts: Texts) -> list[str]:
    return [text for text in (texts.explanation, texts.timeline, texts.broken) if text is not None]


def test_every_code_has_words_and_no_words_are_left_over() -> None:
    assert {kind: set(codes) for kind, codes in read_words().words.items()} == CODES


def test_every_code_has_words_in_every_language() -> None:
    found = {
        (kind, code): set(in_languages)
        for kind, codes in read_words().words.items()
        for code, in_languages in codes.items()
    }
    assert [place for place, languages in found.items() if languages != set(LANGUAGES)] == []


def test_events_and_promises_have_a_sentence_for_the_author() -> None:
    wrong = [
        (kind, code, language)
        for kind, code, language, texts in entries()
        if (texts.timeline is not None) != (kind in ("event", "fallback"))
        or (texts.broken is not None) != (kind == "promise")
    ]
    assert wrong == []


def test_labels_are_short_and_no_sentences() -> None:
    wrong = [texts.label for *_, texts in entries() if not 0 < len(texts.label) <= 60 or texts.label.endswith(".")]
    assert wrong == []


def test_each_text_is_one_sentence_with_a_full_stop() -> None:
    wrong = [
        text
        for *_, texts in entries()
        for text in sentences_of(texts)
        if not text[0].isupper() or not text.endswith(".") or ". " in text
    ]
    assert wrong == []


def test_no_text_is_a_placeholder() -> None:
    said = [text for *_, texts in entries() for text in (texts.label, *sentences_of(texts))]
    assert [text for text in said if PLACEHOLDER.search(text) or text != text.strip()] == []


def test_no_text_was_left_untranslated() -> None:
    """Some names are the same in both languages; a sentence never is."""
    same = [
        (code, text)
        for codes in read_words().words.values()
        for code, texts in codes.items()
        for text, translated in zip(sentences_of(texts["en"]), sentences_of(texts["cy"]), strict=True)
        if text == translated
    ]
    assert same == []


def test_the_timeline_names_nobody_and_speaks_to_the_author() -> None:
    """Others are told of "the author"; the reader of these sentences is "you"."""
    texts = [texts["en"].timeline or "" for texts in read_words().words["event"].values()]
    assert [text for text in texts if "the author" in text.lower()] == []


def test_a_problem_is_called_here_as_on_its_page() -> None:
    assert {code: label("problem", code) for code in PROBLEMS} == {code: text.title for code, text in PROBLEMS.items()}


def test_only_welsh_is_a_draft() -> None:
    assert [language for language in LANGUAGES if is_draft(language)] == ["cy"]


def test_words_are_said_in_the_language_asked_for() -> None:
    assert (label("state", "under_review"), label("state", "under_review", "cy")) == (
        "Under review",
        "Yn cael ei adolygu",
    )
    assert (explanation("promise_state", "kept"), explanation("promise_state", "kept", "cy")) == (
        "The promise was kept in time.",
        "Cafodd yr addewid ei gadw mewn pryd.",
    )
    assert (timeline_text("suggestion.acknowledged"), timeline_text("suggestion.acknowledged", "cy")) == (
        "A named person has read your idea and written to you.",
        "Mae person a enwir wedi darllen eich syniad ac wedi ysgrifennu atoch.",
    )
    assert (broken_text("P3"), broken_text("P3", "cy")) == (
        "No named person wrote to you in the time that had been promised.",
        "Ni ysgrifennodd person a enwir atoch o fewn yr amser a addawyd.",
    )


def test_a_language_without_words_is_answered_in_english() -> None:
    assert label("outcome", "adopt", "pl") == "Yes"
    assert label("outcome", "adopt", "cy-GB") == "Ie"


def test_a_code_of_a_newer_version_breaks_nothing() -> None:
    assert (label("report", "from_tomorrow"), timeline_text("suggestion.from_tomorrow", "cy")) == (
        "Something new",
        "Digwyddodd rhywbeth gyda’ch syniad.",
    )


@pytest.mark.parametrize(
    ("preferred", "accept_language", "expected"),
    [
        (None, None, "en"),
        ("cy", None, "cy"),
        ("CY-gb", "en", "cy"),
        ("en", "cy", "en"),
        ("pl", "cy", "en"),  # What the request asks for counts only where the author has no language of their own.
        ("", "cy", "en"),
        (None, "cy", "cy"),
        (None, "cy-GB,cy;q=0.9,en-GB;q=0.8,en;q=0.7", "cy"),
        (None, "en-GB,en;q=0.9,cy;q=0.8", "en"),
        (None, "en;q=0.5, cy;q=0.501", "cy"),
        (None, "pl, cy;q=0.2, en;q=0.1", "cy"),
        (None, "en, cy", "en"),
        (None, "cy, en", "cy"),
        (None, "*", "en"),
        (None, "*, en;q=0.5", "cy"),
        (None, "en;q=0, *;q=0.1", "cy"),
        (None, "en;q=0", "en"),
        (None, "cy;q=0", "en"),
        (None, "cy;q=0, en;q=0", "en"),
        (None, "pl", "en"),
        (None, "\tCY ;\tQ=1.000 ", "cy"),
    ],
)
def test_the_language_is_the_authors_then_the_requests(
    preferred: str | None, accept_language: str | None, expected: str
) -> None:
    assert choose_language(preferred, accept_language) == expected


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        ",",
        ";q=1",
        "cy;q=2",
        "cy;q=0.1234",
        "cy;q=-1",
        "cy;q=nan",
        "cy;q=",
        "cy;level=1",
        "cy q=1",
        "cy_GB",
        "cymraeg-" + "x" * 9,
        "welshlanguage",
        "cy\u00a0",
        "\uff43\uff59",
        "cy;q=\u0660.\u0665",
        "\x00cy",
    ],
)
def test_what_is_malformed_is_passed_over(malformed: str) -> None:
    assert choose_language(None, malformed) == "en"
    assert choose_language(None, f"{malformed}, cy;q=0.5, en;q=0.4") == "cy"


def test_a_header_is_read_up_to_a_bound() -> None:
    assert choose_language(None, "pl," * 300 + "cy") == "cy"
    assert choose_language(None, "pl," * 400 + "cy") == "en"
    assert choose_language(None, "a-" * 10_000_000) == "en"
