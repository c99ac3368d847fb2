"""The pages say what the code says: their generated parts are up to date, their links lead somewhere."""

import re
from pathlib import Path

import pytest

from docs.generate import EXAMPLES, PARTS, ROOT, filled, pages

MAX_LINES = 39
"""An example is read at one glance."""

_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s#]*)(?:#([^)\s]*))?\)")
_HEADING = re.compile(r"(?m)^#{1,6} (.+)$")
_FENCED = re.compile(r"(?ms)^```.*?^```$")
_NAMED_PATH = re.compile(r"`((?:app|bench|bin|docs|migrations|openapi|requirements|tests)/[\w./-]+)`")


def shown(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", pages(), ids=shown)


@every_page
def test_generated_parts_are_up_to_date(page: Path) -> None:
    """`.venv/bin/python -m docs.generate` brings them up to date."""
    text = page.read_text(encoding="utf-8")
    assert filled(text) == text


def test_every_part_and_every_example_stands_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in pages())
    wanted = {*PARTS, *(f"example:{path.name}" for path in EXAMPLES.iterdir() if path.is_file())}
    assert {name for name in wanted if f"<!-- generated: {name} -->" not in text} == set()


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_examples_are_short(path: Path) -> None:
    if path.is_file():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target, heading in _LINK.findall(page.read_text(encoding="utf-8")):
        linked = (page.parent / target) if target else page
        if not linked.exists() or (heading and heading not in headings_of(linked)):
            broken.append(f"{target}#{heading}")
    assert broken == []


@every_page
def test_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {name.rstrip("/") for name in _NAMED_PATH.findall(text)}
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def headings_of(page: Path) -> set[str]:
    """The anchors that GitHub and most other tools make of a page's headings."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}
