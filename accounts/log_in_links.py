"""One-time links that log a person in, sent to their e-mail address (django-sesame)."""

from sesame.backends import ModelBackend
from sesame.utils import get_token

from accounts.models import User

# Marks a session as a person's: the admin refuses it (accounts/operator_login.py).
BACKEND = "sesame.backends.ModelBackend"
_SCOPE = "log in"


def create_token(user: User) -> str:
    """Return a token that `user_of` accepts until the person's next log-in, or SESAME_MAX_AGE."""
    token: str = get_token(user, scope=_SCOPE)
    return token


def user_of(token: str) -> User | None:
    """Return the active person whose token this is; None if it is expired, used or wrong."""
    user: User | None = ModelBackend().authenticate(None, sesame=token, scope=_SCOPE)
    return user


def lock_user_of(token: str) -> User | None:
    """Do as `user_of`, and lock the person's row until the transaction ends.

    Race: of two log-ins at once with one token the second waits here, and finds it used.
    """
    user = user_of(token)
    if user is None:
        return None
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    return user_of(token)
