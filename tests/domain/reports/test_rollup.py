import itertools

import pytest

from app.domain.reports.rollup import roll_up
from app.domain.vocabulary import Progress

PLANNED, TRIALLING, TRIAL_DONE = Progress.PLANNED, Progress.TRIALLING, Progress.TRIAL_DONE
PARTLY, IMPLEMENTED = Progress.PARTLY_IMPLEMENTED, Progress.IMPLEMENTED
PAUSED, STOPPED, CONFLICT = Progress.PAUSED, Progress.STOPPED, Progress.CONFLICT


@pytest.mark.parametrize(
    ("sites", "whole"),
    [
        ((IMPLEMENTED, STOPPED, CONFLICT), CONFLICT),
        ((None, CONFLICT), CONFLICT),
        ((STOPPED, STOPPED), STOPPED),
        ((STOPPED, None), None),
        ((STOPPED, IMPLEMENTED), IMPLEMENTED),
        ((STOPPED, PLANNED, TRIALLING), PLANNED),
        ((IMPLEMENTED, IMPLEMENTED), IMPLEMENTED),
        ((IMPLEMENTED, None), PARTLY),
        ((IMPLEMENTED, PAUSED), PARTLY),
        ((IMPLEMENTED, TRIAL_DONE, STOPPED), PARTLY),
        ((PARTLY, PARTLY), PARTLY),
        ((PARTLY, IMPLEMENTED), PARTLY),
        ((TRIAL_DONE, TRIALLING, PAUSED, PLANNED, None), None),
        ((TRIAL_DONE, TRIALLING, PAUSED, PLANNED), PLANNED),
        ((TRIAL_DONE, TRIALLING, PAUSED), PAUSED),
        ((TRIAL_DONE, TRIALLING), TRIALLING),
        ((TRIAL_DONE, TRIAL_DONE), TRIAL_DONE),
    ],
)
def test_the_whole_of_several_sites(sites: tuple[Progress | None, ...], whole: Progress | None) -> None:
    assert {roll_up(order) for order in itertools.permutations(sites)} == {whole}


@pytest.mark.parametrize("progress", [None, *Progress])
def test_one_site_is_the_whole(progress: Progress | None) -> None:
    assert roll_up([progress]) is progress
