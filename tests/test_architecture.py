"""What holds of the code as a whole: its layers, its names, and what its files may say."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]

# Names that say nothing about what a module is for.
EMPTY_NAMES = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}

# Words that only their inventor understands, with the word that everybody does.
PLAIN_WORDS = {"fence": "tenant scope", "storey": "layer", "turnstile": "version check", "belt": "rate limit"}

# What a rule may use: shapes and pure parts of the standard library. Clocks, randomness and input are arguments.
DOMAIN_MAY_IMPORT = {
    "abc",
    "base64",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "heapq",
    "inspect",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "statistics",
    "string",
    "textwrap",
    "types",
    "typing",
    "unicodedata",
    "uuid",
    "zoneinfo",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
}

READS_THE_CLOCK = {"now", "utcnow", "today", "uuid1", "uuid4"}


def modules_of(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(path)} imports relatively"
            yield str(node.module)


def test_the_import_contracts_hold() -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as check; check()",
            "--no-logo",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_folder_of_the_application_is_a_package() -> None:
    """The import contracts see packages only, and would pass over a folder without `__init__.py`."""
    folders = {path.parent for path in modules_of("app")}
    assert [shown(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_the_rules_import_only_what_is_pure() -> None:
    found = [
        f"{shown(path)} imports {name}"
        for path in modules_of("app/domain")
        for name in imports_of(path)
        if name.partition(".")[0] not in DOMAIN_MAY_IMPORT and not name.startswith(("app.domain", "app.kit"))
    ]
    assert found == []


def test_below_the_interfaces_the_time_is_an_argument() -> None:
    found = [
        f"{shown(path)}:{node.lineno} calls {node.func.attr}()"
        for path in modules_of("app/domain", "app/services", "app/db")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READS_THE_CLOCK
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "func")
    ]
    assert found == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    found = [
        shown(path)
        for path in modules_of("app", "bin", "migrations", "tests")
        if EMPTY_NAMES & {path.stem, *path.relative_to(ROOT).parts[:-1]}
    ]
    assert found == []


def test_names_and_texts_use_the_standard_terms() -> None:
    forbidden = re.compile(rf"(?i)(?<![a-z])({'|'.join(PLAIN_WORDS)})(s|d|ed|ing)?(?![a-z])")
    kinds = {".py", ".md", ".html", ".txt", ".js", ".mjs", ".css", ".sql"}
    files = [
        path
        for folder in ("app", "bin", "bench", "docs", "migrations")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in kinds and not {"node_modules", "swagger-ui"} & set(path.parts)
    ]
    files += ROOT.glob("*.md")
    found = [
        f"{shown(path)}:{number} says {match[0]}: write {PLAIN_WORDS[match[1].lower()]}"
        for path in sorted(files)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (match := forbidden.search(line))
    ]
    assert found == []


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_the_pinned_lists_name_no_index_and_check_every_file(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert [line for line in text.splitlines() if line.startswith("-")] == []
    entries = text.replace("\\\n", " ").splitlines()
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_pinned_lists_satisfy_the_project() -> None:
    """`bin/lock` was run after the last change of the dependencies in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = _pins("runtime")
    dev = _pins("dev")
    wanted_by_runtime = [Requirement(line) for line in project["project"]["dependencies"]]
    wanted_by_dev = [Requirement(line) for line in project["dependency-groups"]["dev"]]
    assert [str(wanted) for wanted in wanted_by_runtime if not _satisfies(runtime, wanted)] == []
    assert [str(wanted) for wanted in wanted_by_dev if not _satisfies(dev, wanted)] == []
    assert {name: pin for name, pin in dev.items() if name in runtime} == runtime


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", text))


def _satisfies(pins: dict[str, str], wanted: Requirement) -> bool:
    return wanted.name in pins and wanted.specifier.contains(pins[wanted.name])


def test_the_container_file_is_clean() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    ended = subprocess.run(
        [hadolint, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
