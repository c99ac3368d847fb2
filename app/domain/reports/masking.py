"""Personal numbers in what a sender signed: found wherever they stand, and masked before anything is stored.

What arrived is kept as it arrived, to the byte, but for this. In a JSON text each string is looked at as its reader
would see it, escapes decoded, so that a number is found in whatever way it is written. References and addresses, which
belong to the sending system and may be any digits, are left alone.
"""

import json
import re

from pydantic import JsonValue

from app.domain.personal_data import mask, personal_numbers

REFERENCES = frozenset(
    {"suggestion_id", "external_id", "report_id", "site", "other_site", "supersedes", "retracts", "url"}
)
"""Members whose texts are compared or followed and never read."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_COLON = re.compile(r"[ \t\r\n]*:")
_AFTER_COLON = re.compile(r":[ \t\r\n]*\Z")
# What every text with a personal number has in it, or an escape behind which it may hide.
_SUSPICIOUS = re.compile(
    rb"[0-9]{3}(?:[ -]|\xc2\xa0|\xe2\x80.)?[0-9]{3}(?:[ -]|\xc2\xa0|\xe2\x80.)?[0-9]{4}"
    rb"|[0-9]{2}(?:[ -]|\xc2\xa0|\xe2\x80.)?[A-Da-d]|\\u[02]0"
)


def masked_raw(raw: bytes) -> bytes | None:
    """The bytes of a JSON text with the letters and digits of each personal number replaced by asterisks, and nothing
    else changed; None if there is no such number in it.
    """
    if not _SUSPICIOUS.search(raw):
        return None
    text = raw.decode()
    parts: list[str] = []
    end, name = 0, ""
    for token in _STRING.finditer(text):
        follows_name = _AFTER_COLON.search(text, end, token.start()) is not None
        is_name = _COLON.match(text, token.end()) is not None
        written = token[0] if follows_name and name in REFERENCES else _masked_token(token[0])
        parts += [text[end : token.start()], written]
        end = token.end()
        name = json.loads(token[0]) if is_name else ""
    parts.append(text[end:])
    masked = "".join(parts)
    return None if masked == text else masked.encode()


def masked_text(raw: bytes) -> bytes | None:
    """The same for bytes that are no JSON text, whatever they are."""
    if not _SUSPICIOUS.search(raw):
        return None
    text = raw.decode(errors="surrogateescape")
    masked = mask(text, personal_numbers(text))
    return None if masked == text else masked.encode(errors="surrogateescape")


def masked_value(value: JsonValue, name: str = "") -> JsonValue:
    """The same for a value that was read; `name` is that of the member whose value it is."""
    if isinstance(value, str):
        return value if name in REFERENCES else mask(value, personal_numbers(value))
    if isinstance(value, dict):
        return {mask(key, personal_numbers(key)): masked_value(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked_value(inner) for inner in value]
    return value


def _masked_token(token: str) -> str:
    """A string of a JSON text as it is written, if there is nothing to mask in it, or written anew."""
    text: str = json.loads(token)
    masked = mask(text, personal_numbers(text))
    return token if masked == text else json.dumps(masked, ensure_ascii=False)
