"""From the progress of each committed site to that of the suggestion."""

from collections.abc import Collection

from app.domain.vocabulary import Progress

LEAST_FIRST = (None, Progress.PLANNED, Progress.PAUSED, Progress.TRIALLING, Progress.TRIAL_DONE)


def roll_up(sites: Collection[Progress | None]) -> Progress | None:
    """The progress of the whole ("Merging reports" of the product).

    `conflict` anywhere wins; sites that stopped are left out unless all did; all implemented is `implemented`; any
    implemented or partly implemented is `partly_implemented`; else the least advanced of null, planned, paused,
    trialling, trial_done. `sites` holds at least one.
    """
    if Progress.CONFLICT in sites:
        return Progress.CONFLICT
    going_on = {progress for progress in sites if progress is not Progress.STOPPED}
    if not going_on:
        return Progress.STOPPED
    if going_on == {Progress.IMPLEMENTED}:
        return Progress.IMPLEMENTED
    if going_on & {Progress.IMPLEMENTED, Progress.PARTLY_IMPLEMENTED}:
        return Progress.PARTLY_IMPLEMENTED
    return min(going_on, key=LEAST_FIRST.index)
