"""What a report comes in: its envelope and the members of its `data`, one model per type and way in.

By API key a report is a request like any other, and refused where it is at fault. A signed one is read leniently
(`read_signed`) and never refused; its models here describe it for the OpenAPI document. All of them are derived from
the classes of the types.
"""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    JsonValue,
    RootModel,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    WrapValidator,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.domain.reports.examples import EXAMPLES, OCCURRED_AT, SENT_AT
from app.domain.reports.reading import report_types
from app.domain.reports.types import (
    CORRECTABLE,
    MAX_ENTRIES,
    REPORTS,
    Correction,
    Evidence,
    Report,
    read_inner,
)
from app.domain.texts import Ref
from app.kit.shapes import Id, Instant, Shape, fill
from app.kit.strict_json import canonical

PREFIX = "report."
"""What stands before the name of a type on the wire."""


class Address(Shape, extra="ignore"):
    """Which suggestion a report is about, when it happened, and the sender's own id for it."""

    suggestion_id: Annotated[Id | None, Field(description="The suggestion, by its id or by `external_id`.")] = None
    external_id: Annotated[
        Ref | None,
        Field(
            description="The suggestion, by the id that the system which raised it has given to it. That system is the "
            "one of the source or key; where a source names none, it may be any.",
            examples=["idea-8841"],
        ),
    ] = None
    report_id: Annotated[
        Ref | None,
        Field(
            description="The sender's own id of this report. Sent again with the same content it is the same report.",
            examples=["rota-47"],
        ),
    ] = None
    occurred_at: Annotated[Instant, Field(description="When it happened.", examples=[OCCURRED_AT])]
    sequence: Annotated[int | None, Field(ge=0, description="Kept with the report.", examples=[47])] = None

    @model_validator(mode="after")
    def _names_a_suggestion(self) -> Self:
        if self.suggestion_id is None and self.external_id is None:
            missing: Any = {"type": "missing", "loc": ("suggestion_id",), "input": None}
            raise ValidationError.from_exception_data("address", [missing])
        return self


class EvidenceGiven(Evidence, extra="forbid"):
    """Something that shows that a report is true. A photo shows no people."""


def _at_least_one(evidence: tuple[EvidenceGiven, ...]) -> tuple[EvidenceGiven, ...]:
    if not evidence:
        raise PydanticCustomError("too_short", "too short", {"min_length": 1})
    return evidence


_Evidence = Annotated[tuple[EvidenceGiven, ...], Field(max_length=MAX_ENTRIES)]
_SomeEvidence = Annotated[_Evidence, AfterValidator(_at_least_one), Field(json_schema_extra={"minItems": 1})]


def _read_known_only(value: object, handler: object, info: ValidationInfo) -> Report:
    """The report inside a correction, with nothing in it that its type does not know."""
    report = read_inner(value, handler, info)
    given = value if isinstance(value, dict) else {}
    unknown: list[tuple[str | int, ...]] = [
        (name,) for name in given if name not in {"type", *type(report).model_fields}
    ]
    entries = given.get("evidence") or []
    unknown += [
        ("evidence", index, name)
        for index, entry in enumerate(entries)
        for name in entry
        if name not in Evidence.model_fields
    ]
    if unknown:
        faults: Any = [{"type": "extra_forbidden", "loc": place, "input": None} for place in unknown]
        raise ValidationError.from_exception_data("report", faults)
    return report


_Inner = Annotated[
    SerializeAsAny[Report],
    WrapValidator(_read_known_only),
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


def data_of(kind: type[Report]) -> type[Report]:
    """The members of `data` for one type, with those that every report has; unknown ones are refused."""
    needs_evidence = kind.model_fields["evidence"].is_required()
    given: dict[str, Any] = {"evidence": (_SomeEvidence, ...) if needs_evidence else (_Evidence, ())}
    if kind is Correction:
        given["report"] = (_Inner, ...)
    bases: Any = (Address, kind)
    config = {"extra": "forbid", "json_schema_extra": {"examples": [EXAMPLES[kind.kind]]}}
    made: Any = create_model(
        f"{kind.__name__}Data", __base__=bases, __doc__=kind.__doc__, __cls_kwargs__=config, **given
    )
    return made  # type: ignore[return-value]  # its bases are known at run time only


DATA: Mapping[str, type[Report]] = {kind.kind: data_of(kind) for kind in report_types()}
"""The members of `data` by type, in the order of the table."""


class ByKey(Shape):
    """The envelope of a report that is sent with an API key."""

    report_id: Annotated[
        Ref,
        Field(
            description="Your own id of this report, unique for your system. Sent again with the same content, it is "
            "the same report.",
            examples=["rota-47"],
        ),
    ]
    timestamp: Annotated[Instant | None, Field(description="When it is sent.", examples=[SENT_AT])] = None

    @model_validator(mode="after")
    def _has_one_id(self) -> Self:
        inside = getattr(self, "data", None)
        if isinstance(inside, Address) and inside.report_id not in (None, self.report_id):
            error = PydanticCustomError("not_allowed", "another id")
            other: Any = {"type": error, "loc": ("data", "report_id"), "input": None}
            raise ValidationError.from_exception_data("envelope", [other])
        return self


class Signed(Shape, extra="ignore"):
    """The envelope of a report that is signed. Members that are unknown are ignored and kept."""

    timestamp: Annotated[Instant | None, Field(description="When it is sent.", examples=[SENT_AT])] = None


class Ping(Signed):
    """A test: it is answered, and nothing comes of it."""

    type: Literal["ping"]


class SourceHeartbeat(Signed):
    """A sign of life of a source that has nothing to report."""

    type: Literal["source.heartbeat"]


SIGNS_OF_LIFE = ("ping", "source.heartbeat")


def _envelopes(name: str, base: type[Shape]) -> list[type[Shape]]:
    """One envelope per type, told apart by `type`."""
    made = []
    for kind, data in DATA.items():
        members: dict[str, Any] = {"type": (Literal[f"{PREFIX}{kind}"], ...), "data": (data, ...)}
        class_name = name.format(REPORTS[kind].__name__)
        made.append(create_model(class_name, __base__=base, __doc__=REPORTS[kind].__doc__, **members))
    return made


def _one_of(models: list[type[Shape]]) -> Any:  # noqa: ANN401 -- a type that is put together
    return Annotated[reduce(or_, models), Field(discriminator="type")]


class ReportRequest(RootModel[_one_of(_envelopes("{}Report", ByKey))]):  # type: ignore[misc]
    """A report that is sent with an API key."""


class SignedReport(RootModel[_one_of([*_envelopes("Signed{}Report", Signed), Ping, SourceHeartbeat])]):  # type: ignore[misc]
    """A report as a source signs it."""


def read_address(data: Mapping[str, JsonValue]) -> Address:
    """Which suggestion the members of `data` name, and when it happened. Raises Invalid."""
    return fill(Address, canonical(dict(data)), data, null_is_absent=True)


def as_sent(data: Report) -> dict[str, JsonValue]:
    """The members of `data` that were given, without nulls, as they are stored."""
    sent: dict[str, JsonValue] = data.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    inner = getattr(data, "report", None)
    if isinstance(inner, Report) and isinstance(sent.get("report"), dict):
        sent["report"] = {"type": inner.kind, **sent["report"]}  # type: ignore[dict-item]
    return sent
