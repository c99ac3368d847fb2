"""Codes for people and keys for programs: how they are written, and how a slip of the pen is told from a wrong one.

A code is Crockford's base32 in groups of four, to be printed and dictated. Its check character is one of the same 32
letters and digits, not one of the five further symbols (`*~$=U`) of Crockford's own, which nobody can dictate. The
characters are the coefficients of a polynomial over the field of 32 elements, and the check character makes it zero at
a generator of that field: so every wrong character is found, and so is every pair of neighbours that changed places.
"""

import hashlib
import re
import secrets
import zlib

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # https://www.crockford.com/base32.html
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_READ = str.maketrans("OIL", "011", "- ")
_MAX_CODE_LENGTH = 256
_FIELD = 0b100101  # The polynomial x^5 + x^2 + 1, which is primitive: the element x is a generator.
_FIRST_REMAINDER = 1  # With 0, a code could gain zeros at its beginning unnoticed.

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEY_PREFIX = "hb_"
_KEY_BYTES = 32
_KEY_LENGTH = 43  # 62 to the power of 43 is the first above 2 to the power of 256.
_CHECKSUM_LENGTH = 6
_KEY = re.compile(rf"{_KEY_PREFIX}[0-9A-Za-z]{{{_KEY_LENGTH + _CHECKSUM_LENGTH}}}")


def encode(data: bytes) -> str:
    """Return the bytes as a code with its check character: 20 bytes give 33 characters and 8 hyphens."""
    length = -(-len(data) * 8 // 5)
    number = int.from_bytes(data) << length * 5 - len(data) * 8
    characters = "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))
    return _in_groups(characters + _ALPHABET[_times_x(_remainder(characters))])


def normalise(text: str) -> str | None:
    """Return the code as `encode` writes it, or None where the check character does not fit.

    Case, hyphens and spaces do not count, and O is read as 0, I and L as 1.
    """
    if not text.isascii() or len(text) > _MAX_CODE_LENGTH:  # `upper` makes ASCII letters of some that are not.
        return None
    characters = text.upper().translate(_READ)
    if not characters or not _VALUES.keys() >= set(characters) or _remainder(characters) != 0:
        return None
    return _in_groups(characters)


def new_api_key() -> str:
    """Return a fresh key: `hb_`, 256 random bits in 43 characters of base 62, and six characters of checksum."""
    number = secrets.randbits(8 * _KEY_BYTES)
    body = _base62(number, _KEY_LENGTH)
    return _KEY_PREFIX + body + _checksum(body)


def checksum_fits(key: str) -> bool:
    """Say whether the text is a key without a typing error; whether anybody has been given it is another question."""
    return _KEY.fullmatch(key) is not None and key.endswith(_checksum(key[len(_KEY_PREFIX) : -_CHECKSUM_LENGTH]))


def digest(token: str) -> bytes:
    """Return the 32 bytes under which a key or code is stored: it has enough random bits for a plain SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _in_groups(characters: str) -> str:
    return "-".join(characters[start : start + 4] for start in range(0, len(characters), 4))


def _remainder(characters: str) -> int:
    """Return the value of the polynomial at x, in the field of 32 elements."""
    value = _FIRST_REMAINDER
    for character in characters:
        value = _times_x(value) ^ _VALUES[character]
    return value


def _times_x(value: int) -> int:
    return value << 1 if value < 16 else value << 1 ^ _FIELD  # noqa: PLR2004 -- the element x^4


def _checksum(body: str) -> str:
    """Return the CRC-32 of the body; it finds every single wrong character."""
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    characters = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        characters = _BASE62[digit] + characters
    return characters
