"""How far anonymity can be promised, by the number of people of a group at a site."""

from typing import get_args

import pytest

from app.domain.anonymity import Advice, advise, is_generalised


@pytest.mark.parametrize(
    ("people", "advice", "generalised"),
    [
        (None, "unknown", False),
        (0, "cannot_be_promised", True),
        (1, "cannot_be_promised", True),
        (3, "cannot_be_promised", True),
        (4, "generalised", True),
        (9, "generalised", True),
        (10, "possible", False),
        (64, "possible", False),
    ],
)
def test_advice_and_generalisation_follow_the_head_count(people: int | None, advice: str, *, generalised: bool) -> None:
    assert (advise(people), is_generalised(people)) == (advice, generalised)


def test_every_advice_is_given_for_some_head_count() -> None:
    assert {advise(people) for people in (None, *range(12))} == set(get_args(Advice))
