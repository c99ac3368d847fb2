"""The server's secret: what is derived from it, what it seals, and how its file comes to be."""

import logging
import multiprocessing
import stat
from pathlib import Path

import pytest

from app.kit import sealing
from app.kit.sealing import Secret, SecretFileError, UnsealError, load_or_make

SECRET = Secret(bytes(range(32)))
OTHER = Secret(bytes(32))


def test_a_secret_has_32_bytes_and_does_not_show_them() -> None:
    assert repr(SECRET) == "Secret()"
    for length in (0, 31, 33):
        with pytest.raises(ValueError, match="32 bytes"):
            Secret(bytes(length))


def test_what_is_derived_stays_the_same_for_ever() -> None:
    assert SECRET.derive("receipt", b"a", b"bc").hex() == (
        "a1ca3458c0af7d8b4e776fd10da5b3203665ec53cd7ce2e4864ed586a2809618"
    )


def test_what_is_derived_differs_with_the_secret_the_purpose_and_each_part() -> None:
    derived = [
        SECRET.derive("receipt", b"a", b"bc"),
        SECRET.derive("receipt", b"ab", b"c"),
        SECRET.derive("receipt", b"abc"),
        SECRET.derive("receipt", b"a", b"bc", b""),
        SECRET.derive("receipta", b"bc"),
        SECRET.derive("cursor", b"a", b"bc"),
        SECRET.derive("receipt"),
        OTHER.derive("receipt", b"a", b"bc"),
    ]
    assert len(set(derived)) == len(derived)
    assert {len(key) for key in derived} == {32}


@pytest.mark.parametrize("plain", [b"", b"x", b"whsec_abc", bytes(5000)])
def test_what_is_sealed_is_unsealed_for_its_purpose(plain: bytes) -> None:
    sealed = SECRET.seal("signing", plain)
    assert SECRET.unseal("signing", sealed) == plain
    assert len(sealed) == len(plain) + 29
    assert SECRET.seal("signing", plain) != sealed


def test_what_was_sealed_long_ago_is_still_unsealed() -> None:
    sealed = bytes.fromhex("01572e87e7e78c6c7fc5c722a6c1bbabd82de7970239d0f44a11a234e6fc050a919dbf3f32fb")
    assert SECRET.unseal("signing", sealed) == b"whsec_abc"


def test_nothing_else_is_unsealed() -> None:
    sealed = SECRET.seal("signing", b"whsec_abc")
    with pytest.raises(UnsealError):
        SECRET.unseal("headers", sealed)
    with pytest.raises(UnsealError):
        OTHER.unseal("signing", sealed)
    for place in range(len(sealed)):
        altered = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(UnsealError):
            SECRET.unseal("signing", altered)
        with pytest.raises(UnsealError):
            SECRET.unseal("signing", sealed[:place])


def test_the_fingerprint_tells_secrets_apart() -> None:
    assert SECRET.fingerprint() == Secret(bytes(range(32))).fingerprint() != OTHER.fingerprint()
    assert len(bytes.fromhex(SECRET.fingerprint())) == 8


# --- the file
def test_a_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret.key"
    made = load_or_make(path)
    assert load_or_make(path) == made
    assert path.read_bytes() == made.key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert load_or_make(tmp_path / "another.key") != made


@pytest.mark.parametrize("content", [b"", bytes(31), bytes(33), b"0" * 64 + b"\n"])
def test_a_file_without_a_secret_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    with pytest.raises(SecretFileError, match=r"secret\.key does not hold a secret"):
        load_or_make(path)
    assert path.read_bytes() == content


def test_a_file_that_everybody_may_read_is_used_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(SECRET.key)
    path.chmod(0o640)
    assert load_or_make(path) == SECRET
    assert caplog.record_tuples == []
    path.chmod(0o644)
    assert load_or_make(path) == SECRET
    assert caplog.record_tuples == [
        (
            "app.kit.sealing",
            logging.WARNING,
            f"Every user of this machine may read the secret in {path}: chmod 600 would mend it.",
        )
    ]


def test_a_secret_that_another_process_made_meanwhile_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(SECRET.key)
    path.chmod(0o600)
    answers = iter([None])
    load = sealing._load
    monkeypatch.setattr(sealing, "_load", lambda given: next(answers, load(given)))
    assert load_or_make(path) == SECRET
    assert list(tmp_path.iterdir()) == [path]


def test_a_secret_that_is_taken_away_at_once_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_make", lambda _: None)
    with pytest.raises(SecretFileError, match="taken away"):
        load_or_make(tmp_path / "secret.key")


def test_a_directory_that_cannot_be_written_to_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        load_or_make(tmp_path / "file" / "secret.key")


def test_processes_that_start_at_once_end_with_one_secret(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}" / "secret.key" for number in range(16) for _ in range(4)]
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        secrets = pool.map(load_or_make, paths, chunksize=1)
    assert [secret.key for secret in secrets] == [path.read_bytes() for path in paths]
    assert len({secret.key for secret in secrets}) == 16
    assert sorted(tmp_path.rglob("*.key")) == sorted(set(paths))
