"""The answer to paths of the API that no app has."""

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView


class NoSuchEndpoint(APIView):
    """Answers 404 in JSON for unknown paths of the API."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is nothing at this path; see /api/docs.")
