"""Where there is nothing, a browser gets a page and a program gets JSON."""

import pytest
from django.test import Client


@pytest.mark.parametrize("accept", ["application/json", "application/json, application/*"])
def test_a_program_that_reads_json_alone_is_told_in_json(client: Client, accept: str) -> None:
    response = client.get("/no/such/page", headers={"Accept": accept})

    assert (response.status_code, response["Content-Type"]) == (404, "application/json")
    assert response.json() == {"detail": "Not Found.", "code": "not_found"}


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml", "*/*", None])
def test_anybody_else_gets_a_page(client: Client, accept: str | None) -> None:
    headers = {"Accept": accept} if accept else {}

    response = client.get("/no/such/page", headers=headers)

    assert (response.status_code, response["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_every_page_has_an_icon_of_its_own(db: None, client: Client) -> None:
    assert b'rel="icon" href="/static/site/favicon.svg"' in client.get("/").content
