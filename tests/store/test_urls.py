"""Database URLs: the forms people write are understood, and errors don't reveal the password."""

from __future__ import annotations

import pytest

from bot.errors import DatabaseError
from bot.store.urls import display_name, parse_url


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("sqlite:///data/study.db", "sqlite:///data/study.db"),
        ("sqlite:////var/lib/study.db", "sqlite:////var/lib/study.db"),
        ("postgres://ada:pw@db.example:6432/study", "postgresql+asyncpg://ada:pw@db.example:6432/study"),
        ("postgresql://db/study?sslmode=require", "postgresql+asyncpg://db/study?ssl=require"),
        (" postgresql+asyncpg://db/study\n", "postgresql+asyncpg://db/study"),
        ("postgresql://ada@/study?host=/run/pg", "postgresql+asyncpg://ada@/study?host=%2Frun%2Fpg"),
    ],
)
def test_urls_as_people_write_them(written: str, understood: str) -> None:
    assert parse_url(written).render_as_string(hide_password=False) == understood


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "study.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file?mode=ro",
        "mysql://ada:s3cret@db/study",
        "postgresql://ada:s3cret@db",
        "postgresql://ada:s3cret@db:port/study",
        "postgresql://ada@db/study?password=s3cret",
    ],
)
def test_wrong_urls_are_refused_without_repeating_them(wrong: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        parse_url(wrong)

    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_displayed_url_shows_neither_user_nor_password() -> None:
    assert display_name(parse_url("postgres://ada:s3cret@db.example:6432/study")) == "db.example:6432/study"
    assert display_name(parse_url("sqlite:///data/study.db")) == "data/study.db"
