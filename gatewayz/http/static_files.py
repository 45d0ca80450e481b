"""Checks that the static files of this version are where production reads them."""

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.exceptions import ImproperlyConfigured


def require_collected() -> None:
    """Raise ImproperlyConfigured when a file is missing: pages that name it would be a 500."""
    if not isinstance(staticfiles_storage, ManifestFilesMixin):  # development serves the sources
        return
    names = {name for finder in get_finders() for name, _ in finder.list([])}
    collected = staticfiles_storage.hashed_files
    if any(staticfiles_storage.hash_key(name) not in collected for name in names):
        raise ImproperlyConfigured(
            f"{settings.STATIC_ROOT} lacks static files of this version: run"
            " `python manage.py collectstatic --noinput`."
        )
