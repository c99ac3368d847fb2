"""What an organisation may set for itself, with the limits that the product never gives up."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from app.domain.vocabulary import Nation, OrganisationKind
from app.kit.shapes import Shape

LEAST_CARE_WORKER_SHARE = 1 / 3


class Policy(Shape):
    """The organisation's policy. Promises are in days and may only be tighter than the product's own."""

    quorum: Annotated[int, Field(ge=1, le=100)] = 3
    care_worker_share: Annotated[float, Field(ge=LEAST_CARE_WORKER_SHARE, le=1)] = 0.5
    require_if_match: bool = False
    promises: Mapping[str, int] = Field(default_factory=dict)
    personal_data: Literal["mask", "warn", "strict"] = "mask"
    board: bool = False


class Rules(Shape):
    """What the rules ask of an organisation: its policy, its kind, and whose bank holidays count."""

    policy: Policy = Policy()
    kind: OrganisationKind = OrganisationKind.PROVIDER
    nation: Nation = Nation.ENGLAND_WALES
