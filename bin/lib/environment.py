"""Makes the project's environment `.venv` and fills it from a pinned list. Needs Python 3.11 and nothing else.

`environment.py runtime|dev` installs requirements/<name>.txt, with every file checked against its hash, and keeps a
copy of the list in `.venv`, by which `environment.sh` sees that nothing is left to do. Two runs at once take turns by a
lock that the system releases with the process, so a killed run leaves nothing behind that stops the next one.

Debian and some others ship Python without `ensurepip`, from which a new environment gets its pip. Then a pip that is
at hand installs from outside (`pip --python`, since pip 22.3), or `uv` does.
"""

import contextlib
import fcntl
import filecmp
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
NODE_COPY = ROOT / "node_modules" / "installed.json"
# What is installed by the list in the key is installed by the list in the value, too, at the same versions.
CONTAINED = {"runtime": ("runtime",), "dev": ("runtime", "dev")}


def list_of(name: str) -> Path:
    """Return the pinned list of this name."""
    return ROOT / "requirements" / f"{name}.txt"


def copy_of(name: str) -> Path:
    """Return where the environment keeps the list that it was filled from."""
    return ENVIRONMENT / f"installed-{name}.txt"


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Wait until no other run of this program works on the environment, and keep others waiting."""
    with (ROOT / ".venv.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another run is preparing the environment; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(sentence: str) -> None:
    """Tell the person at the terminal; the standard output belongs to the command that comes afterwards."""
    print(sentence, file=sys.stderr, flush=True)


def runs(command: list[str]) -> bool:
    """Return whether the command can be started and ends well. What it prints is thrown away."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_environment() -> None:
    """Make `.venv` without pip, on the interpreter's own file, so that an upgrade of Python is noticed."""
    # A name as python3 would go on working after an upgrade to another minor version, with all packages missing.
    base = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    if ENVIRONMENT.exists():
        say("The environment's Python is gone: making .venv anew.")
        shutil.rmtree(ENVIRONMENT)
    if base != sys.executable:
        subprocess.run([base, "-I", "-m", "venv", "--without-pip", str(ENVIRONMENT)], check=True)
    else:
        venv.create(ENVIRONMENT, symlinks=True, with_pip=False)


def installers() -> Iterator[tuple[str, list[str]]]:
    """Yield the ways to install into the environment that may be at hand, the surest first."""
    yield "the environment's own pip", [str(PYTHON), "-m", "pip"]
    if runs([str(PYTHON), "-I", "-m", "ensurepip", "--default-pip"]):
        yield "the pip that comes with Python", [str(PYTHON), "-m", "pip"]
    yield "the pip of this Python", [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    for name in ("python3", "pip3", "pip"):
        found = shutil.which(name)
        if found:
            start = [found, "-m", "pip"] if name.startswith("python") else [found]
            yield f"{found}", [*start, "--python", str(PYTHON)]
    for wheel in sorted(Path("/usr/share/python-wheels").glob("pip-*.whl")):
        yield f"{wheel}", [str(PYTHON), f"{wheel}/pip"]
    uv = shutil.which("uv")
    if uv:
        yield f"{uv}", [uv, "pip"]


def install(name: str) -> None:
    """Install the list with the first installer that works. Ends the program where there is none or it fails."""
    for told, command in installers():
        is_uv = Path(command[0]).name == "uv"
        if not is_uv and not runs([*command, "--version"]):
            continue
        options = (
            ["--quiet", "--compile-bytecode", "--python", str(PYTHON)]
            if is_uv
            else ["--quiet", "--no-input", "--disable-pip-version-check", "--no-warn-script-location"]
        )
        # The list is complete and has wheels for everything: nothing is resolved, and no package's own code runs.
        options += ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(list_of(name))]
        settings = os.environ | {"PIP_USER": "0", "PIP_ROOT_USER_ACTION": "ignore"}
        if subprocess.run([*command, "install", *options], check=False, env=settings).returncode == 0:
            return
        sys.exit(f"Heardback could not install requirements/{name}.txt with {told}; its messages stand above.")
    sys.exit(
        "Heardback found no pip to install its packages with. Install the system's package for it"
        " (on Debian: apt-get install python3-venv) and run this again."
    )


def is_same(wanted: Path, installed: Path) -> bool:
    """Return whether what is installed was installed from this list."""
    return installed.exists() and filecmp.cmp(wanted, installed, shallow=False)


def install_node_packages() -> None:
    """Install what tests and examples run by Node need, where there is npm; without it they are skipped."""
    npm = shutil.which("npm")
    if npm is None or is_same(ROOT / "package-lock.json", NODE_COPY) or not (ROOT / "package-lock.json").exists():
        return
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode == 0:
        shutil.copyfile(ROOT / "package-lock.json", NODE_COPY)
    else:
        say("The packages for Node could not be installed: what they are needed for is skipped.")


def install_python_packages(name: str) -> None:
    """Make the environment if there is none that works, and install the list if it is not the installed one."""
    working = runs([str(PYTHON), "-I", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
    if working and is_same(list_of(name), copy_of(name)):
        return
    say(f"Preparing the environment: installing requirements/{name}.txt into .venv (once).")
    if not working:
        make_environment()
    # A run that is stopped half-way must not leave a copy that promises a whole environment.
    for each in CONTAINED["dev"]:
        copy_of(each).unlink(missing_ok=True)
    install(name)
    for each in CONTAINED[name]:
        half_written = copy_of(each).with_suffix(".new")
        shutil.copyfile(list_of(each), half_written)
        half_written.replace(copy_of(each))


def main(name: str) -> None:
    """Bring the environment to what the list names, unless it is there already."""
    with alone():
        install_python_packages(name)
        if name == "dev":
            install_node_packages()


if __name__ == "__main__":
    main(sys.argv[1])
