"""Sessions whose keys the database keeps as digests, so that a stolen dump opens none."""

from hashlib import sha256
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone


def _digest(session_key: str) -> str:
    """Return the key of the row. A session key has 165 random bits, so it needs no pepper."""
    return sha256(session_key.encode()).hexdigest()[:40]  # the length of the column


class SessionStore(DatabaseStore):
    """Django's sessions in the database, by the digest of the key that the browser has."""

    def _get_session_from_db(self) -> Any:
        rows = self.model.objects.filter(session_key=_digest(self.session_key or ""))
        row = rows.filter(expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
        return row

    def exists(self, session_key: str) -> bool:
        return super().exists(_digest(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row = super().create_model_instance(data)
        row.session_key = _digest(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(_digest(key))
