"""The files that pages need: read once, kept in memory, and served under `/static/` with their type and ETag."""

import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.domain.errors import NotFound
from app.web.answers import etag_of

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is served."""

    content: bytes
    compressed: bytes
    """The same with gzip, for clients that take it: a third of the size."""
    media_type: str
    etag: str


@cache
def _names() -> dict[str, Path]:
    """List what there is, so that a path in a request opens no other file."""
    return {str(path.relative_to(_FOLDER)): path for path in _FOLDER.rglob("*") if path.suffix in _TYPES}


@cache
def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    return StaticFile(content, gzip.compress(content, mtime=0), _TYPES[path.suffix], etag_of(content))


def read_static(name: str) -> StaticFile:
    """Return the file with this path below `static/`. Raises NotFound. The first call for a file reads it."""
    path = _names().get(name)
    if path is None:
        raise NotFound
    return _read(path)
