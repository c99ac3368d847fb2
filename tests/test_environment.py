"""The scripts that make the environment, on a copy with an empty list, so that nothing is fetched."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PREPARING = "Preparing the environment: installing requirements/runtime.txt into .venv (once).\n"


def copy_scripts(made: Path) -> Path:
    shutil.copytree(ROOT / "bin", made / "bin", ignore=shutil.ignore_patterns("__pycache__"))
    (made / "requirements").mkdir()
    for name in ("runtime", "dev"):
        (made / "requirements" / f"{name}.txt").write_text(f"# The list {name} names no package.\n")
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without an environment, in a folder whose name needs quoting."""
    return copy_scripts(tmp_path / "a project's copy")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose environment for development is made. Copied by `prepared`, since making one takes seconds."""
    made = copy_scripts(tmp_path_factory.mktemp("finished") / "project")
    assert run(made / "bin/setup")[0] == 0
    return made


@pytest.fixture
def prepared(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "a prepared project", symlinks=True))


def start(script: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [script, *arguments],
        cwd="/",
        env=os.environ | {"PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(script: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(script, *arguments)
    stdout, stderr = process.communicate()
    return process.returncode, stdout, stderr


def test_the_environment_is_made_by_one_of_those_who_ask_at_once(project: Path) -> None:
    processes = [start(project / "bin/setup", "runtime") for _ in range(3)]
    told = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert "".join(stderr for _, stderr in told).count(PREPARING) == 1
    assert (project / ".venv/installed-runtime.txt").read_text() == "# The list runtime names no package.\n"
    assert not (project / ".venv/installed-dev.txt").exists()


def test_nothing_is_done_the_second_time(prepared: Path) -> None:
    assert run(prepared / "bin/setup") == (0, "", "")
    assert run(prepared / "bin/setup", "runtime") == (0, "", "")


def test_a_changed_list_is_installed(prepared: Path) -> None:
    (prepared / "requirements/runtime.txt").write_text("# Changed.\n")
    assert run(prepared / "bin/setup", "runtime") == (0, "", PREPARING)
    assert run(prepared / "bin/setup", "runtime") == (0, "", "")


def test_an_environment_whose_python_is_gone_is_made_anew(prepared: Path) -> None:
    (prepared / ".venv/bin/python").unlink()
    gone = "The environment's Python is gone: making .venv anew.\n"
    assert run(prepared / "bin/setup", "runtime") == (0, "", PREPARING + gone)
    assert run(prepared / "bin/setup", "runtime") == (0, "", "")


def test_a_list_that_cannot_be_installed_ends_with_a_sentence(prepared: Path) -> None:
    (prepared / "requirements/runtime.txt").write_text("./nowhere\n")
    code, stdout, stderr = run(prepared / "bin/setup", "runtime")
    assert (code, stdout) == (1, "")
    assert stderr.splitlines()[-1] == (
        "Heardback could not install requirements/runtime.txt with the environment's own pip; its messages stand above."
    )
    assert not (prepared / ".venv/installed-runtime.txt").exists()


def test_the_commands_run_in_the_right_folder_with_their_arguments(prepared: Path) -> None:
    (prepared / "app").mkdir()
    (prepared / "app/cli.py").write_text("import os, sys\nprint(os.getcwd(), sys.argv[1:])\n")
    assert run(prepared / "bin/serve", "--port", "80 80") == (0, f"{prepared} ['serve', '--port', '80 80']\n", "")
    assert run(prepared / "bin/heardback", "import", "a file") == (0, "/ ['import', 'a file']\n", "")
