"""A developer reads the program's e-mails on a page, as text and as HTML."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts import emails
from accounts.preferences import EmailKind
from accounts.tests.factories import Person

pytestmark = pytest.mark.urls("payments.sandbox.urls")


def test_the_newest_e_mail_comes_first_with_links_that_work(
    bob: Person, settings: Any, tmp_path: Path
) -> None:
    client = Client()
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    assert "None yet" in client.get("/mail").content.decode()
    for amount in ("$1.00", "$2.00 <b>"):
        emails.send("adjustment", bob.user, {"amount": amount}, kind=EmailKind.ADJUSTMENT)

    page, html = client.get("/mail").content.decode(), client.get("/mail/2")

    assert page.index("changed by $2.00 &lt;b&gt;") < page.index("changed by $1.00")
    assert '<a href="http://127.0.0.1' in page
    assert "$2.00 &lt;b&gt;" in html.content.decode()
    assert "default-src 'none'" in html["Content-Security-Policy"]
    assert client.get("/mail/3").status_code == 404
