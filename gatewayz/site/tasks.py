"""The jobs of the pages for people, run by `manage.py worker`."""

from urllib.parse import urlencode

from django.conf import settings
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from accounts import emails, log_in_links
from accounts.models import User


@app.task(name="send_log_in_link", retry=RetryStrategy(max_attempts=5, exponential_wait=4))
def send_log_in_link(user_id: int | None, page: str) -> None:
    """E-mail the person a link to `page` that logs in; nothing to nobody or the deactivated."""
    person = User.objects.filter(pk=user_id, is_active=True).first() if user_id else None
    if person is None:
        return
    link = f"{page}?{urlencode({'token': log_in_links.create_token(person)})}"
    minutes = settings.SESAME_MAX_AGE.seconds // 60
    emails.send("log_in", person, {"link": link, "button": "Log in", "minutes": minutes})
