"""Codes survive being dictated and copied; keys tell a typing error from a wrong key."""

import hashlib
import random
import re
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.codes import checksum_fits, digest, encode, new_api_key, normalise

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_the_form_of_a_code() -> None:
    assert encode(bytes(20)) == "0000-0000-0000-0000-0000-0000-0000-0000-4"  # x to the power of 33, which is x squared
    assert encode(b"\xff" * 20).startswith("ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-")
    assert encode(b"\x08\x42\x10\x84\x21").startswith("1111-1111-")
    assert encode(b"") == "2"


@given(st.binary(max_size=40))
def test_a_code_is_read_as_it_was_written(data: bytes) -> None:
    code = encode(data)
    assert normalise(code) == code
    assert normalise(code.lower().replace("-", "")) == code
    assert normalise(code.replace("0", "o").replace("1", "l").replace("-", " - ")) == code
    assert normalise(code.replace("0", "O").replace("1", "i")) == code


def test_codes_of_one_length_differ_as_their_bytes_do() -> None:
    assert len({encode(bytes(pair)) for pair in product(range(256), range(16))}) == 4096


CODES = [encode(random.Random(seed).randbytes(20)) for seed in range(8)] + [encode(bytes(20)), encode(b"\xff" * 20)]  # noqa: S311 -- examples


@pytest.mark.parametrize("code", CODES)
def test_every_wrong_character_is_found(code: str) -> None:
    right = code.replace("-", "")
    wrong = (
        right[:place] + other + right[place + 1 :]
        for place, character in enumerate(right)
        for other in ALPHABET
        if other != character
    )
    assert [text for text in wrong if normalise(text)] == []


@pytest.mark.parametrize("code", CODES)
def test_every_swap_of_neighbours_is_found(code: str) -> None:
    right = code.replace("-", "")
    wrong = (
        right[: place - 1] + right[place] + right[place - 1] + right[place + 1 :]
        for place in range(1, len(right))
        if right[place] != right[place - 1]
    )
    assert [text for text in wrong if normalise(text)] == []


@pytest.mark.parametrize("code", CODES)
def test_a_character_that_is_lost_or_a_zero_that_is_gained_at_the_beginning_is_found(code: str) -> None:
    right = code.replace("-", "")
    assert normalise(right[1:]) is None
    assert normalise("0" + right) is None


@pytest.mark.parametrize(
    "text", ["", "-", "  ", "U", "0000-0000-0000-0000-0000-0000-0000-0000-U", "é", "\u0131", "2\n", "2" * 1000, "*"]
)
def test_what_is_no_code(text: str) -> None:
    assert normalise(text) is None


def test_the_form_of_a_key() -> None:
    keys = {new_api_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"hb_[0-9A-Za-z]{49}", key) for key in keys)
    assert all(checksum_fits(key) for key in keys)


def test_every_wrong_character_of_a_key_is_found() -> None:
    key = new_api_key()
    wrong = (
        key[:place] + other + key[place + 1 :]
        for place in range(len(key))
        for other in BASE62
        if other != key[place]
    )  # fmt: skip
    assert [text for text in wrong if checksum_fits(text)] == []


@pytest.mark.parametrize("change", [str.lower, str.upper, lambda key: key + "\n", lambda key: key[:-1], lambda _: ""])
def test_what_is_no_key(change: Callable[[str], str]) -> None:
    assert not checksum_fits(change("hb_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgaBcDeF"))
    assert not checksum_fits(change(new_api_key()))


@pytest.mark.parametrize("token", ["hb_abc", "hbr_é", "\ud800"])
def test_tokens_are_stored_by_their_digest(token: str) -> None:
    assert digest(token) == hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
