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


@pytest.mark.parametrize(
    ("origins", "ancestors"),
    [
        ([PARTNER, "https://other.example.com"], f"{PARTNER} https://other.example.com"),
        ([], "'none'"),
    ],
)
def test_the_listed_sites_alone_may_frame_it(
    settings: Any, origins: list[str], ancestors: str
) -> None:
    settings.EMBED_ORIGINS = origins

    assert framing("/embed") == ([f"frame-ancestors {ancestors}"], None)


@pytest.mark.parametrize("path", ["/", "/login", "/signup", "/admin/login/"])
def test_no_other_page_may_be_framed(db: None, settings: Any, path: str) -> None:
    settings.EMBED_ORIGINS = [PARTNER]

    assert framing(path) == (["frame-ancestors 'none'"], "DENY")


def test_it_reads_no_session_sets_no_cookie_and_has_nothing_to_click(
    db: None, django_assert_num_queries: Any
) -> None:
    client = Client()
    client.cookies["sessionid"] = "a" * 32

    with django_assert_num_queries(0):
        answer = client.get("/embed")

    assert answer.cookies == {}
    assert "Cookie" not in answer.get("Vary", "")
    page = answer.content.decode()
    assert not [tag for tag in ("<a", "<button", "<form", "<input") if f"{tag} " in page]
