"""The thirteen types of outcome report. Each is one class: its fields are the members of `data`, its docstring the
text of the API, its class arguments say where the type stands in the table and which steps of progress are legal.

Reports come from systems of others and are never refused for what they carry besides: unknown members are ignored.
"""

import re
from typing import Annotated, ClassVar, Self, Unpack
from uuid import UUID

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.domain.reports.standing import Standing
from app.domain.texts import LongText, Name, Ref, SiteName, Summary, Title
from app.domain.vocabulary import (
    BenefitType,
    EvidenceKind,
    NextStep,
    Period,
    Progress,
    Reason,
    StillInUse,
    TrialOutcome,
)
from app.kit.shapes import Day, Shape, length
from app.kit.strict_json import canonical

MAX_URL = 2000
MAX_ENTRIES = 1000
EXACT_INTEGERS = 2**53
"""Up to here every whole number has a double of its own (IEEE 754)."""

ANY_PROGRESS: frozenset[Progress | None] = frozenset(Progress) - {Progress.CONFLICT} | {None}
"""Every progress that one place can have in the walk. `conflict` is no step: it is what two versions together show."""


def _show_number(number: float) -> int | float:
    """420 is answered as 420, as it was sent, and not as 420.0."""
    return int(number) if number.is_integer() and abs(number) <= EXACT_INTEGERS else number


def _refuse_other_schemes(url: str) -> str:
    """Only what a browser may follow: evidence is shown as a link."""
    if not re.match(r"https?://[^\s/]", url, re.IGNORECASE | re.ASCII):
        raise PydanticCustomError("wrong_format", "an http or https address is needed")
    return url


def _missing(model: Shape, *names: str) -> ValidationError:
    """The error that says that these members of a model are required after all."""
    faults = [{"type": "missing", "loc": (name,), "input": None} for name in names]
    return ValidationError.from_exception_data(type(model).__name__, faults)  # type: ignore[arg-type]


Number = Annotated[
    float,
    Field(allow_inf_nan=False),
    PlainSerializer(_show_number, when_used="json"),
    WithJsonSchema({"type": "number"}),
]
Url = Annotated[str, length(1, MAX_URL), AfterValidator(_refuse_other_schemes)]


class Evidence(Shape, extra="ignore"):
    """Something that shows that a report is true. A photo shows no people."""

    kind: EvidenceKind
    title: Title
    url: Url | None = None


def _at_least_one(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Behind the entries: pydantic's own minimum also complains when there are entries and all of them are at fault."""
    if not evidence:
        raise PydanticCustomError("too_short", "too short", {"min_length": 1})
    return evidence


AnyEvidence = Annotated[tuple[Evidence, ...], Field(max_length=MAX_ENTRIES)]
SomeEvidence = Annotated[AnyEvidence, AfterValidator(_at_least_one), Field(json_schema_extra={"minItems": 1})]


class Report(Shape, extra="ignore"):
    """What every outcome report carries, and how a report is a step of progress."""

    kind: ClassVar[str]
    """The type's name, for example `implemented`; `report.` stands before it on the wire."""
    rank: ClassVar[int]
    """The type's place in the table: it orders reports of one instant."""
    enters: ClassVar[Progress | None]
    """The progress that the step leads to, where the type alone says so."""
    follows: ClassVar[frozenset[Progress | None]]
    """From which progress it is a legal step; None is the progress before the first report."""

    summary: Summary
    site: SiteName | None = None
    evidence: AnyEvidence = ()

    def __init_subclass__(
        cls,
        *,
        rank: int = 0,
        enters: Progress | None = None,
        follows: frozenset[Progress | None] = ANY_PROGRESS,
        **config: Unpack[ConfigDict],
    ) -> None:
        """Registers the type. A class without a rank is no type of its own."""
        super().__init_subclass__(**config)
        if not rank:
            return
        kind = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        if kind in REPORTS or not cls.__doc__:
            raise TypeError(f"report {kind}: a second one, or without the docstring that is its API text")
        cls.kind, cls.rank, cls.enters, cls.follows = kind, rank, enters, follows
        REPORTS[kind] = cls

    @property
    def says_progress(self) -> bool:
        """Whether it says how far the work has come. Only such a report is a step, and only such a one can disagree."""
        return self.enters is not None

    @property
    def is_final(self) -> bool:
        """Whether it is a final report: after it nothing more is to come."""
        return False

    @property
    def why_not_measured(self) -> str | None:
        """Why a final report comes without a measured impact."""
        return None

    @property
    def named_site(self) -> str | None:
        """The site that it speaks of, by id or code; None speaks for all."""
        return self.site

    def after(self, standing: Standing, report_id: UUID) -> Standing | None:
        """The standing after this report, or None where it is no legal step ("Legal steps" of the contract)."""
        return self.moves(standing, report_id) if standing.progress in self.follows else None

    def moves(self, standing: Standing, report_id: UUID) -> Standing:
        """Where a legal step leads. A final report that says what another has said stands beside it."""
        if self.enters is None:
            return standing
        earlier = standing.finals if standing.progress is self.enters else ()
        return Standing(self.enters, finals=(*earlier, report_id) if self.is_final else ())


REPORTS: dict[str, type[Report]] = {}
"""Every type by its name, in the order of the table."""


class FinalReport(Report):
    """A report that can be the last one, and may say why no impact was measured."""

    not_measured_because: LongText | None = None

    @property
    def is_final(self) -> bool:
        """Final, unless a type knows better."""
        return True

    @property
    def why_not_measured(self) -> str | None:
        """Its own words."""
        return self.not_measured_because


class Planned(Report, rank=1, enters=Progress.PLANNED, follows=frozenset({None, Progress.PLANNED})):
    """The work is planned: for when, and who is responsible. Sent again, it gives another date."""

    due_on: Day
    owner_role: Name


class TrialStarted(
    Report, rank=2, enters=Progress.TRIALLING, follows=frozenset({None, Progress.PLANNED, Progress.TRIAL_DONE})
):
    """A trial has begun: until when, what is measured, and the value before it."""

    ends_on: Day
    measure: LongText
    baseline: Number


class TrialResult(
    FinalReport,
    rank=3,
    enters=Progress.TRIAL_DONE,
    follows=frozenset({None, Progress.PLANNED, Progress.TRIALLING, Progress.TRIAL_DONE, Progress.PAUSED}),
):
    """A trial has ended, with `value` or `narrative` or both. Only the next step `stop` makes it a final report;
    otherwise a decision is owed.
    """

    result: TrialOutcome
    value: Number | None = None
    narrative: LongText | None = None
    next_step: NextStep

    @model_validator(mode="after")
    def _tells_the_result(self) -> Self:
        if self.value is None and self.narrative is None:
            raise _missing(self, "narrative")
        return self

    @property
    def is_final(self) -> bool:
        """Only where nothing follows the trial."""
        return self.next_step is NextStep.STOP


class PartlyImplemented(
    Report,
    rank=4,
    enters=Progress.PARTLY_IMPLEMENTED,
    follows=ANY_PROGRESS - {Progress.IMPLEMENTED, Progress.STOPPED},
):
    """Part of the change is in place, in plain words and with at least one piece of evidence. It is a claim until the
    front line confirms it.
    """

    what_changed: LongText
    evidence: SomeEvidence


class Implemented(FinalReport, rank=5, enters=Progress.IMPLEMENTED, follows=ANY_PROGRESS - {Progress.STOPPED}):
    """The change is in place, in plain words and with at least one piece of evidence. It is a claim until the front
    line confirms it.
    """

    what_changed: LongText
    evidence: SomeEvidence


class AdoptedElsewhere(Report, rank=6):
    """Another organisation, or another site, has taken the idea up: it adds a link and credit."""

    organisation: Name | None = None
    other_site: SiteName | None = None

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.organisation is None and self.other_site is None:
            raise _missing(self, "organisation")
        return self


class ImpactMeasured(Report, rank=7):
    """The difference that the change has made. A benefit counts as claimed, and as verified where `verified_by` says
    who has verified it.
    """

    benefit_type: BenefitType
    measure: LongText
    baseline: Number
    value: Number
    unit: Name
    period: Period
    method: LongText
    verified_by: Name | None = None


class SustainedCheck(Report, rank=8):
    """Somebody has looked some time later whether the change is still in use. `no` means that it has stopped."""

    still_in_use: StillInUse

    @property
    def says_progress(self) -> bool:
        """Only its `no` does."""
        return self.still_in_use is StillInUse.NO

    def moves(self, standing: Standing, report_id: UUID) -> Standing:  # noqa: ARG002 -- it is no final report
        """To stopped; what was stopped by a final report stays final."""
        if not self.says_progress or standing.progress is Progress.STOPPED:
            return standing
        return Standing(Progress.STOPPED)


class Paused(Report, rank=9, enters=Progress.PAUSED, follows=ANY_PROGRESS - {Progress.IMPLEMENTED, Progress.STOPPED}):
    """Work has stopped for a while: why, and until when."""

    reason: LongText
    until: Day

    def moves(self, standing: Standing, report_id: UUID) -> Standing:  # noqa: ARG002 -- it is no final report
        """To paused; what stood before is remembered."""
        return standing if standing.progress is Progress.PAUSED else Standing(Progress.PAUSED, before=standing)


class Resumed(Report, rank=10, follows=frozenset({Progress.PAUSED})):
    """Work goes on after a pause; progress is what it was before."""

    @property
    def says_progress(self) -> bool:
        """It says that what was before the pause is so again."""
        return True

    def moves(self, standing: Standing, report_id: UUID) -> Standing:  # noqa: ARG002 -- it is no final report
        """Back to what stood before the pause."""
        return standing.before or Standing()


class Stopped(FinalReport, rank=11, enters=Progress.STOPPED):
    """Work has stopped for good: a reason code, and the rationale in plain words. An appeal is open from then on."""

    reason: Reason
    rationale: LongText


def read_inner(value: object, _: object, info: ValidationInfo) -> Report:
    """The report inside a correction. It has the summary of the correction where it brings none of its own."""
    if isinstance(value, Report):
        return value
    if not isinstance(value, dict):
        raise PydanticCustomError("dict_type", "an object is needed")
    kind = value.get("type")
    if not isinstance(kind, str):
        error = "missing" if kind is None else "string_type"
        raise ValidationError.from_exception_data("report", [{"type": error, "loc": ("type",), "input": None}])
    if kind not in CORRECTABLE:
        expected = {"expected": ", ".join(CORRECTABLE)}
        raise ValidationError.from_exception_data(
            "report", [{"type": "enum", "loc": ("type",), "input": None, "ctx": expected}]
        )
    summary = info.data.get("summary", "-")  # Where the correction's own is at fault, that is said once and there.
    return REPORTS[kind].model_validate_json(canonical({"summary": summary, **value}))


CORRECTABLE = tuple(REPORTS)
"""The types that a correction may put in the place of what it corrects: all but corrections and retractions."""

InnerReport = Annotated[
    SerializeAsAny[Report],
    WrapValidator(read_inner),
    WithJsonSchema(
        {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"type": "string", "enum": list(CORRECTABLE)}},
            "additionalProperties": True,
            "description": "A report of the type that `type` names, with that type's members beside it.",
        }
    ),
]


class Correction(Report, rank=12):
    """An earlier report of the same source was wrong: `report` stands in its place, at the correction's date. Without
    a `site`, it speaks of the site of what it corrects.
    """

    supersedes: Ref
    why: LongText
    report: InnerReport

    @property
    def named_site(self) -> str | None:
        """Its own, or that of the report inside it."""
        return self.site or self.report.site


class Retraction(Report, rank=13):
    """An earlier report of the same source should not have been sent: it no longer counts."""

    retracts: Ref
    why: LongText
