"""The story that a first start prints works exactly as it is pasted, and ends in `closed`."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.docs.running import serving
from tests.service import Json

BEGIN = "Paste this into a terminal"
PATH = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}


@pytest.mark.timeout(180)
def test_the_story_of_a_first_start_ends_in_closed(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        printed = (tmp_path / "output.txt").read_text(encoding="utf-8")
        story = printed[printed.index("\n", printed.index(BEGIN)) :]
        assert f"base=http://127.0.0.1:{server.port}\n" in story
        told = subprocess.run(
            ["bash"], input=story, env=PATH, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.split()[-1] == "closed", told.stdout
    answers = answers_in(told.stdout)
    submitted, acknowledged, started, *votes, decided, reported, read = answers
    assert (submitted["state"], submitted["anonymity"]) == ("submitted", "confidential")
    assert [one["suggestion"]["state"] for one in (acknowledged, started, *votes, decided)] == [
        "acknowledged",
        "under_review",
        "under_review",
        "under_review",
        "under_review",
        "delivering",
    ]
    assert (reported["status"], reported["suggestion_id"]) == ("applied", submitted["id"])
    assert (read["id"], read["decision"]["outcome"], read["progress"]) == (submitted["id"], "adopt", "implemented")


def answers_in(text: str) -> list[Json]:
    """The JSON objects that stand in a text, one behind the other."""
    found, place, decoder = [], 0, json.JSONDecoder()
    while (start := text.find("{", place)) >= 0:
        value, place = decoder.raw_decode(text, start)
        found.append(value)
    return found
