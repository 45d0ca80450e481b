"""Reads EMAIL_URL, the address of the mail server, and never shows its password."""

import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_email_url

from gatewayz import environment

_SERVERS = ("smtp", "smtps", "submission")
_ELSEWHERE = ("console", "file")
# Nobody waits for an e-mail, but the other jobs wait for a server that does not answer.
_TIMEOUT_SECONDS = 10
_SMTPS_PORT = 465
_LOCAL = ("localhost", "127.0.0.1", "::1")
_EXPECTED = (
    "smtp://host:25, smtps://user:password@host:465 (TLS), submission://user:password@host:587"
    " (STARTTLS), console: or file:/folder; a password needs TLS, and / ? @ : % in it are written"
    " %2F %3F %40 %3A %25"
)


def read(name: str, *, or_files_in: Path) -> dict[str, Any]:
    """Return Django's settings of e-mail; without the variable, e-mails are files.

    Refuses what is not such an address, by the name of the variable.
    """
    if not environment.is_set(name):
        backend = "django.core.mail.backends.filebased.EmailBackend"
        return {"EMAIL_BACKEND": backend, "EMAIL_FILE_PATH": or_files_in}
    refusal = environment.refuse(name, _EXPECTED)
    try:
        url = urlsplit(environment.text(name))
        is_server = url.scheme in _SERVERS and url.hostname
        if not is_server and url.scheme not in _ELSEWHERE:
            raise refusal
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the scheme smtps, which is TLS here
            found: dict[str, Any] = dj_email_url.parse(url.geturl())
    except ValueError:  # a port that is no number; the original error may quote the password
        raise refusal from None
    if url.scheme == "smtps":
        found |= {"EMAIL_USE_SSL": True, "EMAIL_USE_TLS": False}
        found["EMAIL_PORT"] = found["EMAIL_PORT"] or _SMTPS_PORT
    if url.scheme == "file":
        found["EMAIL_FILE_PATH"] = url.path
    found["EMAIL_TIMEOUT"] = found["EMAIL_TIMEOUT"] or _TIMEOUT_SECONDS
    is_encrypted = found["EMAIL_USE_SSL"] or found["EMAIL_USE_TLS"]
    if found["EMAIL_HOST_PASSWORD"] and not is_encrypted and url.hostname not in _LOCAL:
        raise refusal
    return found
