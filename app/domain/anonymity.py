"""How far an author can stay unrecognised among the people of the same group at the same site."""

from typing import Literal, TypeAlias

Advice: TypeAlias = Literal["possible", "generalised", "cannot_be_promised", "unknown"]

TOO_FEW_TO_PROMISE = 3
"""With so many people or fewer, whoever reads the text may guess who wrote it."""

ENOUGH_TO_SHOW = 10
"""From so many people on, role and site alone show nobody."""


def advise(people: int | None) -> Advice:
    """What to tell an author who wants to stay unrecognised.

    `people` is the latest head count of the author's group at the site, None where nobody has counted.
    """
    if people is None:
        return "unknown"
    if people <= TOO_FEW_TO_PROMISE:
        return "cannot_be_promised"
    return "generalised" if is_generalised(people) else "possible"


def is_generalised(people: int | None) -> bool:
    """Whether readers are shown neither role nor site of an author who is not named.

    Where nobody has counted they are shown: otherwise no key that is limited to sites would see any such suggestion
    until the first head count.
    """
    return people is not None and people < ENOUGH_TO_SHOW
