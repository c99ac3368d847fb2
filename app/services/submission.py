"""Submitting a suggestion: kept once, however often it is sent, and held at once where someone is at risk."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db import statements
from app.db.tables import Suggestion
from app.db.tenancy import ScopedSession
from app.domain.anonymity import advise, is_generalised
from app.domain.case import Case, Span
from app.domain.days import local_day
from app.domain.owed import about_to_break_at, next_wake, promises_of
from app.domain.policy import Rules
from app.domain.submission import Submission, is_about_what_matters_most, treated
from app.domain.vocabulary import Anonymity, Group, Route, State
from app.kit.codes import digest
from app.kit.ids import day_of, new_id, new_random_id
from app.services import outbox, showing, signposts, views, words
from app.services.access import RECEIPT_PREFIX
from app.services.cases import find, read_rules, stored_case
from app.services.context import Context
from app.services.idempotency import Effect
from app.services.ledgers import milestones_of
from app.services.receipt_codes import receipt_code, receipt_for
from app.services.repetition import answer_repeated, check_seen, content_hash_of, external_hash_of, find_repeated
from app.services.reports import adopt_waiting
from app.services.sites import find_site, people_at

SEQUENCE_BITS = 20
DAY_MILLISECONDS = 86_400_000


@dataclass(frozen=True)
class Drafted:
    """A submission with what the server adds to it."""

    id: UUID
    site_id: UUID | None
    title: str | None
    text: str
    contact_details: bool
    received_at: datetime
    external_hash: bytes | None
    content_hash: bytes
    generalised: bool


def submit(session: ScopedSession, context: Context, submission: Submission) -> Effect:
    """Stores the suggestion, gives its receipt and publishes `suggestion.submitted`.

    Where someone is at risk it is held, and `safeguarding.held` is published, too. The status is 201, or 200 for a
    repetition by `id` or `external_id` with the same content. Raises IdConflict for other content, Invalid for an
    unknown site, PersonalDataFound where the policy refuses contact details.
    """
    external_hash = external_hash_of(context, submission)
    content_hash = content_hash_of(context, submission)
    if (kept := find_repeated(session, context, submission, external_hash)) is not None:
        return answer_repeated(kept, context, submission, external_hash, content_hash)
    rules = read_rules(session)
    drafted = _draft(session, context, submission, rules, external_hash, content_hash)
    case = _case_of(submission, drafted, rules)
    values = _values(context, submission, drafted, case)
    values["promise_due_at"] = about_to_break_at(promises_of(case, rules, context.now))
    if (kept := _insert(session, context, submission, external_hash, values)) is not None:
        return answer_repeated(kept, context, submission, external_hash, content_hash)
    tags, lenses = list(submission.tags), [lens.value for lens in submission.lenses]
    if tags or lenses:
        statements.insert_labels(session, drafted.id, tags, lenses)
    hashed = digest(RECEIPT_PREFIX + receipt_code(context.secret, context.caller.organisation_id, drafted.id))
    statements.insert_credential(session, _receipt_credential(context, drafted.id, hashed))
    if (wake_at := next_wake(case, rules, context.now)) is not None:
        statements.put_agenda(session, "suggestion", drafted.id, wake_at.timestamp())
    row = Suggestion(**values)
    statements.put_milestones(session, milestones_of(row, case))
    _announce(session, context, row, submission)
    adopted = adopt_waiting(session, context.secret, row, context.now)
    return Effect(201, (drafted.id,), at_hand=None if adopted else row)


def submitted(session: ScopedSession, context: Context, effect: Effect) -> Suggestion:
    """The row that `submit` has written or found; it may be one that the submission itself has hidden.

    Raises NotFound where somebody else has hidden it since.
    """
    if isinstance(effect.at_hand, Suggestion):
        return effect.at_hand
    with session.for_rules():
        row = find(session, effect.ids[0])
    check_seen(context, row)
    return row


def draw_seq(received_at: datetime, *, anonymous: bool) -> int:
    """The place of a suggestion in lists: its millisecond and random bits; for an anonymous one anywhere in its day."""
    milliseconds = int(received_at.timestamp() * 1000) + (secrets.randbelow(DAY_MILLISECONDS) if anonymous else 0)
    return (milliseconds << SEQUENCE_BITS) + secrets.randbits(SEQUENCE_BITS)


def _draft(
    session: ScopedSession,
    context: Context,
    submission: Submission,
    rules: Rules,
    external_hash: bytes | None,
    content_hash: bytes,
) -> Drafted:
    policy = rules.policy
    site_id = find_site(session, submission.site, "/site") if submission.site else None
    title, in_title = treated(submission.title, "/title", policy)
    text, in_text = treated(submission.text, "/text", policy)
    anonymous = submission.anonymity is Anonymity.ANONYMOUS
    made_id = submission.id or (new_random_id() if anonymous else new_id(context.now))
    received_at = day_of(context.now) if anonymous else context.now
    generalised = submission.anonymity is not Anonymity.NAMED and is_generalised(
        people_at(session, site_id, submission.group, local_day(context.now))
    )
    return Drafted(
        id=made_id,
        site_id=site_id,
        title=title,
        text=text or "",
        contact_details=in_title or in_text,
        received_at=received_at,
        external_hash=external_hash,
        content_hash=content_hash,
        generalised=generalised,
    )


def _case_of(submission: Submission, drafted: Drafted, rules: Rules) -> Case:
    lenses = tuple(lens.value for lens in submission.lenses)
    case = Case(
        id=drafted.id,
        group=submission.group,
        anonymity=submission.anonymity,
        received_at=drafted.received_at,
        promised_days={str(promise): days for promise, days in rules.policy.promises.items()},
        site=drafted.site_id,
        what_matters_most=is_about_what_matters_most(lenses, submission.tags),
    )
    if submission.safety.at_risk_now:
        held = (Span(drafted.received_at),)
        case = replace(case, state=State.HELD, held_from=State.SUBMITTED, held=held)
    return case


def _values(context: Context, submission: Submission, drafted: Drafted, case: Case) -> dict[str, Any]:
    anonymous = submission.anonymity is Anonymity.ANONYMOUS
    captured_at = submission.captured_at
    return {
        "organisation_id": context.caller.organisation_id,
        "id": drafted.id,
        "version": 1,
        "state": case.state.value,
        "hidden": case.hidden.value if case.hidden else None,
        "generalised": drafted.generalised,
        "progress": None,
        "outcome": None,
        "group": submission.group.value,
        "anonymity": submission.anonymity.value,
        "site_id": drafted.site_id,
        "steward_ref": None,
        "merged_into": None,
        "title": drafted.title,
        "text": drafted.text,
        "language": submission.language,
        "tags": list(submission.tags),
        "lenses": [lens.value for lens in submission.lenses],
        "author": submission.author.model_dump(mode="json", exclude_none=True) if submission.author else None,
        "co_authors": [one.model_dump(mode="json", exclude_none=True) for one in submission.co_authors],
        "own_employment": submission.safety.own_employment,
        "system": context.caller.system,
        "external_id": None if anonymous else submission.external_id,
        "external_hash": drafted.external_hash,
        "content_hash": drafted.content_hash,
        "receipt_key": context.secret.fingerprint(),
        "contact_details": drafted.contact_details,
        "supporters": 0,
        "promise_due_at": None,
        "promise_broken": False,
        "captured_at": day_of(captured_at) if captured_at and anonymous else captured_at,
        "received_at": drafted.received_at,
        "updated_at": drafted.received_at,
        "case": stored_case(case),
    }


def _insert(
    session: ScopedSession,
    context: Context,
    submission: Submission,
    external_hash: bytes | None,
    values: dict[str, Any],
) -> list[Suggestion] | None:
    """Inserts the row at a free place in the order of lists; where another one was faster with its ids, returns that.

    Two places in one millisecond collide once in a million times.
    """
    anonymous = submission.anonymity is Anonymity.ANONYMOUS
    while True:
        values["seq"] = draw_seq(values["received_at"], anonymous=anonymous)
        if statements.insert_suggestion_once(session, values):
            return None
        if (kept := find_repeated(session, context, submission, external_hash)) is not None:
            return kept


def _receipt_credential(context: Context, suggestion_id: UUID, hashed: bytes) -> Mapping[str, object]:
    return {
        "hash": hashed,
        "kind": "receipt",
        "organisation_id": context.caller.organisation_id,
        "subject_id": suggestion_id,
        "expires_at": None,
    }


def _announce(session: ScopedSession, context: Context, row: Suggestion, submission: Submission) -> None:
    body = submission.model_dump(
        mode="json",
        exclude_none=True,
        include={"title", "text", "group", "anonymity", "lenses", "tags", "language"},
    ) | {"title": row.title, "text": row.text}
    ref = submission.author.ref if submission.author else None
    submitted = outbox.Announcement(
        "suggestion.submitted", body=body, group=submission.group.value, ref=ref, by_author=True
    )
    outbox.publish(session, row, submitted, now=context.now)
    if submission.safety.at_risk_now:
        held = outbox.Announcement("safeguarding.held", facts={"route": Route.SAFEGUARDING.value}, by_author=True)
        outbox.publish(session, row, held, now=context.now)


def show_submitted(
    session: ScopedSession, context: Context, row: Suggestion, sent: Submission, language: words.Language
) -> views.SubmittedView:
    """The suggestion with what its author is given: receipt, advice about anonymity, signposts."""
    (view,) = showing.show_suggestions(session, [row], showing.Reader(context.caller.scopes), context.now)
    code = receipt_for(row, context)
    nation = read_rules(session).nation
    found = signposts.signposts_for(nation, sent.safety.at_risk_now, sent.safety.own_employment, language)
    return views.SubmittedView.model_construct(
        **{name: getattr(view, name) for name in views.SuggestionView.model_fields},
        receipt=views.ReceiptCode(code=code) if code else None,
        anonymity_advice=_advice(session, row, context.now, language),
        signposts=tuple(views.SignpostView.model_validate(one) for one in found),
        similar=(),
    )


def _advice(
    session: ScopedSession, row: Suggestion, now: datetime, language: words.Language
) -> views.AdviceView | None:
    """How far anonymity can be promised; nothing to say to a named author."""
    if row.anonymity == Anonymity.NAMED:
        return None
    code = advise(people_at(session, row.site_id, Group(row.group), local_day(now)))
    return views.AdviceView(code=code, text=words.explanation("anonymity_advice", code, language))
