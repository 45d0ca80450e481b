"""What the content security policy allows on the admin pages beyond all other pages."""

from collections.abc import Callable
from typing import Any

from csp.decorators import csp_update

# Alpine evaluates expressions in attributes of the pages; the pages set colors and widths in
# `style`. Scripts still come from our own files only: nothing inline, no other host.
as_unfold_needs: Callable[[Any], Any] = csp_update(
    {"script-src": ["'self'", "'unsafe-eval'"], "style-src": ["'self'", "'unsafe-inline'"]}
)
