"""The page of guarantees names tests that are there."""

import importlib
import re

from django.conf import settings


def named() -> set[str]:
    """Return the tests that the page names, each as `app/file::class`."""
    app, file, names = "", "", set()
    for name in re.findall(r"`([^`]+)`", (settings.BASE_DIR / "docs/guarantees.md").read_text()):
        found = re.fullmatch(r"(?:(\w+): )?(test_\w+)?(?:::)?(Test\w+)?", name)
        if found and any(found.groups()):
            app, file = found[1] or app, found[2] or file
            names.add(f"{app}/{file}::{found[3] or ''}")
    return names


def test_what_the_guarantees_name_is_there() -> None:
    for name in named():
        path, _, group = name.partition("::")
        app, _, file = path.partition("/")

        module = importlib.import_module(f"{app}.tests.{file}")

        assert hasattr(module, group or "__doc__"), name
