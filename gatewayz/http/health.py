"""Health checks: whether the process is up, and whether it can serve."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from gatewayz.api import database_errors
from gatewayz.api.auto_schema import example
from gatewayz.api.errors import RETRY_AFTER_SECONDS


class NotReady(APIException):
    """The database answers, but requests would fail."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    wait = RETRY_AFTER_SECONDS


@example("Yes", status="ok")
class HealthSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(default="ok")


@extend_schema(tags=["Health"], responses=HealthSerializer)
class HealthViewSet(ViewSet):
    """The two checks of a load balancer or orchestrator."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def alive(self, request: Request) -> Response:
        """Is the process up?"""
        return Response({"status": "ok"})

    def ready(self, request: Request) -> Response:
        """Does the database answer and take writes, with every migration applied?"""
        if database_errors.is_read_only():
            raise NotReady("The database is read-only.", "database_read_only")
        if database_errors.was_full():
            raise NotReady("The disk of the database is full.", "database_full")
        if database_errors.migrations_pending():
            raise NotReady(
                "Migrations are not applied yet; run `manage.py migrate`.", "migrations_pending"
            )
        return Response({"status": "ok"})
