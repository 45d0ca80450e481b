"""What the pages of the operators' desk may do beyond the policy of all other pages."""

from collections.abc import Callable
from typing import Any

from csp.decorators import csp_update

# Alpine evaluates the expressions that stand in the pages' attributes; the pages set colours and
# widths in `style`. Scripts still come from our own files only: nothing inline, no other host.
as_unfold_needs: Callable[[Any], Any] = csp_update(
    {"script-src": ["'self'", "'unsafe-eval'"], "style-src": ["'self'", "'unsafe-inline'"]}
)
