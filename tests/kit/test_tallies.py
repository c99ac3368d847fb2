"""Figures as they are counted."""

from app.kit.tallies import Spread, Tally


def test_a_tally_counts_by_its_labels() -> None:
    tally = Tally("seen", "What was seen.", ["colour", "number"])
    tally.add("red", 1)
    tally.add("blue", 2)
    tally.add("red", 1)
    assert list(tally) == [(("red", 1), 2), (("blue", 2), 1)]


def test_what_is_known_beforehand_begins_at_zero() -> None:
    tally = Tally("seen", "What was seen.", ["colour"], [("red",), ("blue",)])
    tally.add_all({"blue": 3, "green": 1})
    assert list(tally) == [(("red",), 0), (("blue",), 3), (("green",), 1)]


def test_a_tally_without_labels_is_one_number() -> None:
    tally = Tally("seen", "What was seen.", known=[()])
    tally.add()
    assert list(tally) == [((), 1)]


def test_a_spread_counts_up_to_each_bound() -> None:
    spread = Spread("took", "How long it took.", [0.1, 1], ["door"])
    for value in (0.05, 0.1, 0.5, 7.0):
        spread.add(value, "front")
    spread.add(1, "back")
    infinite = float("inf")
    assert list(spread) == [
        (("front",), 7.65, [(0.1, 2), (1, 3), (infinite, 4)]),
        (("back",), 1, [(0.1, 0), (1, 1), (infinite, 1)]),
    ]


def test_both_may_be_read_while_they_are_counted() -> None:
    tally, spread = Tally("seen", "", ["n"]), Spread("took", "", [1], ["n"])
    tally.add(0)
    spread.add(0, 0)
    for (number,), _ in tally:
        tally.add(int(number) + 1)
    for (number,), _, _ in spread:
        spread.add(0, int(number) + 1)
    assert (len(list(tally)), len(list(spread))) == (2, 2)
