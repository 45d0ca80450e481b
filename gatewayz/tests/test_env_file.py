"""Each line of `.env` is understood or refused, and what is refused is not shown."""

import os
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from gatewayz import env_file

SECRET = "s3cr3t-Pa55/word?"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(os, "environ", {"SET": "before"})
    return tmp_path / ".env"


def variables() -> dict[str, str]:
    """Return the variables of the environment; pytest sets one of its own."""
    return {name: os.environ[name] for name in os.environ if name != "PYTEST_CURRENT_TEST"}


UNDERSTOOD = [
    ("A=b", "b"),
    ("\ufeffA=b", "b"),
    ("A = b ", "b"),
    ("   A=b", "b"),
    ("export A=b", "b"),
    ("A='b # c $d \"'", 'b # c $d "'),
    ('A="b c"', "b c"),
    ("A=b#c", "b#c"),
    ("A=b  # a comment", "b"),
    ("A=b=c==", "b=c=="),
    ("A=$B${C}", "$B${C}"),
    ("A=", ""),
    ("A=b\r\n", "b"),
    ("# a comment\n\n  # another\nA=b\n\n", "b"),
    ("A='first\nsecond'", "first\nsecond"),
]


@pytest.mark.parametrize(("text", "value"), UNDERSTOOD)
def test_a_line_is_understood(path: Path, text: str, value: str) -> None:
    path.write_bytes(text.encode())

    env_file.read(path)

    assert variables() == {"SET": "before", "A": value}


REFUSED = [
    (f"SECRET_KEY: {SECRET}", " (SECRET_KEY)"),
    (f"SECRET_KEY {SECRET}", " (SECRET_KEY)"),
    (f"SECRET_KEY='{SECRET}", " (SECRET_KEY)"),
    (f"SECRET_KEY='{SECRET}'{SECRET}", " (SECRET_KEY)"),
    (f'export DATABASE_URL="{SECRET}', " (DATABASE_URL)"),
    ("DEBUG", " (DEBUG)"),
    (SECRET, ""),
    (f"={SECRET}", ""),
    ("s3cr3tPa55word==", ""),
    ("S3CR3T_PA55", ""),
    (f"{SECRET}=b", ""),
    (f"SECRET_KEY=\0{SECRET}", " (SECRET_KEY)"),
]


@pytest.mark.parametrize(("line", "shown"), REFUSED)
def test_any_other_line_is_refused_by_its_number_and_name(
    path: Path, line: str, shown: str
) -> None:
    path.write_text(f"DEBUG=false\n\n# a comment\n\n  {line}\nPORT=8000\n")

    with pytest.raises(ImproperlyConfigured) as refusal:
        env_file.read(path)

    assert f"Line 5 of .env{shown} is not understood" in str(refusal.value)
    assert "s3cr3t" not in str(refusal.value).lower()
    assert variables() == {"SET": "before"}


def test_the_environment_goes_first_and_no_file_sets_nothing(path: Path) -> None:
    env_file.read(path)
    path.write_text("SET=after\n")
    env_file.read(path)

    assert variables() == {"SET": "before"}


def test_a_setting_that_is_there_twice_is_refused(path: Path) -> None:
    path.write_text(f"A={SECRET}\nB=c\nA=d\n")

    with pytest.raises(ImproperlyConfigured, match=r"^Line 3 of .env sets A again.$"):
        env_file.read(path)


@pytest.mark.parametrize("content", [b"A=\xff\xfe", "A=b".encode("utf-16")])
def test_a_file_that_is_no_text_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(ImproperlyConfigured, match=r"^.env cannot be read: UnicodeDecodeError.$"):
        env_file.read(path)
