"""What an organisation may set for itself, with the limits that the product never gives up."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import MISSING, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from app.domain.promises import LOOSEST_DAYS
from app.domain.texts import Name
from app.domain.vocabulary import Nation, OrganisationKind
from app.kit.shapes import Shape

LEAST_CARE_WORKER_SHARE = 1 / 3
Quorum = Annotated[int, Field(ge=1, le=100, description="How many votes must count.")]
Share = Annotated[
    float, Field(ge=LEAST_CARE_WORKER_SHARE, le=1, description="Which share of the votes care workers must hold.")
]
Treatment = Literal["mask", "warn", "strict"]
Days = Annotated[int, Field(ge=1)]
PromiseCode = Literal["P2", "P3", "P4", "P5", "P7", "P8"]


class Policy(Shape):
    """The organisation's policy. Promises are in days and may only be tighter than the product's own."""

    quorum: Quorum = 3
    care_worker_share: Share = 0.5
    require_if_match: bool = False
    promises: dict[PromiseCode, Days] = Field(default_factory=dict)
    personal_data: Treatment = "mask"
    board: bool = False


class PolicyPatch(Shape):
    """Changes of the policy: what is not named stays, null goes back to the product's own value."""

    quorum: Quorum | MISSING | None = MISSING
    care_worker_share: Share | MISSING | None = MISSING
    require_if_match: bool | MISSING | None = MISSING
    promises: dict[PromiseCode, Days | None] | MISSING | None = MISSING
    personal_data: Treatment | MISSING | None = MISSING
    board: bool | MISSING | None = MISSING

    @model_validator(mode="after")
    def _promises_are_only_tightened(self) -> Self:
        promises = self.promises if isinstance(self.promises, dict) else {}
        loose = [code for code, days in promises.items() if days is not None and days > LOOSEST_DAYS[code]]
        if loose:
            details = [
                InitErrorDetails(
                    type="less_than_equal", loc=("promises", code), input=None, ctx={"le": LOOSEST_DAYS[code]}
                )
                for code in loose
            ]
            raise ValidationError.from_exception_data(type(self).__name__, details)
        return self


class OrganisationPatch(
    Shape, json_schema_extra={"examples": [{"nation": "scotland", "policy": {"quorum": 5, "promises": {"P3": 2}}}]}
):
    """A merge patch of an organisation: what is not named stays."""

    name: Name | MISSING = MISSING
    kind: OrganisationKind | MISSING = MISSING
    nation: Nation | MISSING = MISSING
    policy: PolicyPatch | MISSING | None = MISSING


class Rules(Shape):
    """What the rules ask of an organisation: its policy, its kind, and whose bank holidays count."""

    policy: Policy = Policy()
    kind: OrganisationKind = OrganisationKind.PROVIDER
    nation: Nation = Nation.ENGLAND_WALES


def patched(policy: Mapping[str, object], patch: PolicyPatch | None) -> dict[str, object]:
    """The stored policy after a merge patch (RFC 7396); None takes every setting of its own away."""
    if patch is None:
        return {}
    kept = dict(policy)
    for name, value in patch.model_dump(mode="json", exclude_unset=True).items():
        if value is None:
            kept.pop(name, None)
        elif isinstance(value, dict):
            before = kept.get(name)
            inner = {**(before if isinstance(before, dict) else {}), **value}
            kept[name] = {code: days for code, days in inner.items() if days is not None}
        else:
            kept[name] = value
    return kept
