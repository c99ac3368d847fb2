"""How far one place has come: what a report starts from, and what it leads to."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID

from app.domain.vocabulary import Progress


@dataclass(frozen=True)
class Standing:
    """The progress of one place as the last legal step left it.

    `finals` are the final reports that brought it about and said so again. `before` is what stood before a pause, and
    None otherwise.
    """

    progress: Progress | None = None
    finals: tuple[UUID, ...] = ()
    before: Self | None = None
