"""The server's one secret: what is derived from it, and what it keeps closed.

Everything that needs a key takes one derived for its own purpose, so that no two uses ever share one and a single file
has to be kept safe. That file belongs in every backup: without it, no sealed value can be opened again.
"""

import hmac
import logging
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SECRET_BYTES = 32
_FORMAT = b"\x01"
_NONCE_BYTES = 12

log = logging.getLogger(__name__)


class UnsealError(Exception):
    """The bytes were not sealed for this purpose with this secret, or have been altered."""


class SecretFileError(Exception):
    """The file of the secret cannot be used; the message is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Secret:
    """32 random bytes from which every other key is derived. Raises ValueError for another length."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a secret that cannot be one."""
        if len(self.key) != SECRET_BYTES:
            raise ValueError(f"a secret has {SECRET_BYTES} bytes")

    def derive(self, purpose: str, *parts: bytes) -> bytes:
        """Return 32 bytes that only the holder of the secret can make from `purpose` and `parts` (HMAC-SHA256).

        Equal arguments give equal bytes, for ever. The parts are told apart: `b"a", b"b"` is not `b"ab"`.
        """
        pieces = (purpose.encode(), *parts)
        text = b"".join(len(piece).to_bytes(4) + piece for piece in pieces)
        return hmac.digest(self.key, text, "sha256")

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Return the bytes encrypted and authenticated for one purpose (AES-256-GCM), 29 bytes longer."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher(purpose).encrypt(nonce, plain, None)

    def unseal(self, purpose: str, sealed: bytes) -> bytes:
        """Return what `seal` was given. Raises UnsealError for another purpose or secret, and for altered bytes."""
        nonce, closed = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] != _FORMAT or len(nonce) != _NONCE_BYTES:
            raise UnsealError("these bytes were never sealed")
        try:
            return self._cipher(purpose).decrypt(nonce, closed, None)
        except InvalidTag:
            raise UnsealError("sealed with another secret, for another purpose, or altered since") from None

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits by which the secret is recognised, and which tell nothing else of it."""
        return self.derive("fingerprint")[:8].hex()

    def _cipher(self, purpose: str) -> AESGCM:
        return AESGCM(self.derive("seal", purpose.encode()))


def load_or_make(path: Path) -> Secret:
    """Return the secret in the file, or a new one that has been written there (mode 0600) if there is no file.

    A file that exists is never written to. Of several processes that start at once, one makes the secret and all
    return it and none sees it half written, and the secret is on the disk before it is returned. Raises
    SecretFileError for a file that holds no secret, and OSError where the directory cannot be written to. A file that
    everybody on the machine may read is used, with a warning in the log.
    """
    if (secret := _load(path)) is not None:
        return secret
    _make(path)
    if (secret := _load(path)) is None:
        raise SecretFileError(f"The secret in {path} was taken away just after it had been made.")
    return secret


def _load(path: Path) -> Secret | None:
    try:
        with path.open("rb") as file:
            key, mode = file.read(SECRET_BYTES + 1), os.fstat(file.fileno()).st_mode
    except FileNotFoundError:
        return None
    if len(key) != SECRET_BYTES:
        raise SecretFileError(
            f"The file {path} does not hold a secret, which has exactly {SECRET_BYTES} bytes. Restore it from a "
            "backup: a new secret could not open what the old one has sealed."
        )
    if mode & stat.S_IROTH:
        log.warning("Every user of this machine may read the secret in %s: chmod 600 would mend it.", path)
    return Secret(key)


def _make(path: Path) -> None:
    """Write a new secret beside the path and give it that name, unless there is a file of that name meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
