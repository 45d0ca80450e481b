"""Health checks: whether the process is up, and whether it can serve."""

from functools import cache
from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet


class NotReady(APIException):
    """Some migrations of this version are not applied yet."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "Migrations are not applied yet; run `manage.py migrate`."
    default_code = "migrations_pending"
    wait = 5


_OK = OpenApiExample("Yes", value={"status": "ok"})


class HealthSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(default="ok")


class HealthViewSet(ViewSet):
    """The two checks of a load balancer or orchestrator."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        summary="Is the process up?", responses=HealthSerializer, examples=[_OK], tags=["Health"]
    )
    def alive(self, request: Request) -> Response:
        return Response({"status": "ok"})

    @extend_schema(
        summary="Does the database answer, with every migration applied?",
        responses=HealthSerializer,
        examples=[_OK],
        tags=["Health"],
    )
    def ready(self, request: Request) -> Response:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        require_migrations()
        return Response({"status": "ok"})


@cache
def require_migrations() -> None:
    """Raise NotReady while a migration is missing. Success is cached for this process."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotReady
