"""One page may be framed, by the listed sites alone; it knows nobody and keeps nothing."""

from typing import Any

import pytest
from django.test import Client

PARTNER = "https://partner.example.com"


def framing(path: str) -> tuple[list[str], str | None]:
    answer = Client().get(path)
    policy = answer["Content-Security-Policy"].split("; ")
    ancestors = [part for part in policy if part.startswith("frame-ancestors")]
    return ancestors, answer.get("X-Frame-Options")


def test_the_listed_sites_may_frame_it(settings: Any) -> None:
    settings.EMBED_ORIGINS = [PARTNER, "https://other.example.com"]

    assert framing("/embed") == (
        [f"frame-ancestors {PARTNER} https://other.example.com"],
        None,
    )


def test_nobody_may_unless_a_site_is_listed(settings: Any) -> None:
    assert framing("/embed") == (["frame-ancestors 'none'"], None)


@pytest.mark.parametrize("path", ["/", "/login", "/signup", "/admin/login/"])
def test_no_other_page_may_be_framed(db: None, settings: Any, path: str) -> None:
    settings.EMBED_ORIGINS = [PARTNER]

    assert framing(path) == (["frame-ancestors 'none'"], "DENY")


def test_it_reads_no_session_and_sets_no_cookie(db: None, django_assert_num_queries: Any) -> None:
    client = Client()
    client.cookies["sessionid"] = "a" * 32

    with django_assert_num_queries(0):
        answer = client.get("/embed")

    assert answer.cookies == {}
    assert "Cookie" not in answer.get("Vary", "")


def test_nothing_in_it_can_be_clicked() -> None:
    page = Client().get("/embed").content.decode()

    assert not [tag for tag in ("<a", "<button", "<form", "<input") if f"{tag} " in page]
