"""The e-mails that the program has written, as a developer reads them."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from payments.sandbox.pay_page import page

SHOWN = 50
# Django's file backend writes it after each e-mail.
_SEPARATOR = b"\n" + b"-" * 79 + b"\n"


@require_safe
def mail_page(request: HttpRequest) -> HttpResponse:
    """Show the newest e-mails, each as text; its HTML is a page of its own."""
    return page("mail.html", {"messages": _newest()})


@require_safe
def html_page(request: HttpRequest, number: int) -> HttpResponse:
    """Show the HTML of an e-mail, which may neither run nor load anything."""
    for message in _newest():
        if message["number"] == number:
            answer = HttpResponse(message["html"])
            answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
            return answer
    raise Http404


def _newest() -> list[dict[str, object]]:
    numbered = enumerate(_messages(), start=1)
    return [_shown(number, message) for number, message in numbered][-SHOWN:][::-1]


def _messages() -> Iterator[EmailMessage]:
    """Yield every e-mail, the oldest first."""
    files = Path(settings.EMAIL_FILE_PATH or ".").glob("*.log")
    for file in sorted(files, key=lambda file: file.stat().st_mtime_ns):
        for raw in file.read_bytes().split(_SEPARATOR)[:-1]:
            yield message_from_bytes(raw, policy=policy.default)


def _shown(number: int, message: EmailMessage) -> dict[str, object]:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return {
        "number": number,
        "to": message["To"],
        "subject": message["Subject"],
        "at": message["Date"],
        "text": text.get_content() if text else "",
        "html": html.get_content() if html else "",
    }
