"""The endpoints with which a person takes their data along, or has them deleted."""

from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts.authentication import AuthenticatedRequest
from accounts.models import User
from accounts.serializers import ErasedSerializer, EraseRequestSerializer, ExportSerializer
from gatewayz.api.errors import Conflict
from gatewayz.api.json_api import stream
from payments import erasure, person_export

STAFF_ACCOUNT = "Your account is staff: ask a superuser to make it an ordinary one first."


def export_of(person: User) -> StreamingHttpResponse:
    """Return all that is kept of a person as a file; it is written while it is sent."""
    facts, lists = person_export.facts(person, now=timezone.now()), person_export.lists(person)
    answer = StreamingHttpResponse(stream(facts, lists), content_type="application/json")
    answer["Cache-Control"] = "no-store"
    answer["Content-Disposition"] = f'attachment; filename="gatewayz-{person.pk}.json"'
    return answer


class PersonViewSet(ViewSet):
    """All that is kept of the caller."""

    @extend_schema(responses=ExportSerializer)
    def export(self, request: AuthenticatedRequest) -> Any:
        """All that is kept of you"""
        return export_of(request.user)

    @extend_schema(
        request=EraseRequestSerializer,
        responses={
            200: ErasedSerializer,
            409: OpenApiResponse(description="The account is staff."),
        },
    )
    def erase(self, request: AuthenticatedRequest) -> Response:
        """Erase your account

        Deletes your name, your addresses, your preferences and what Stripe told us of you, and
        revokes your keys. It cannot be undone. Credits that are left are given up; the books keep
        every entry, by the number of the account.
        """
        body = EraseRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            erasure.erase(
                request.user,
                by=request.user,
                confirmed=body.validated_data["username"],
                reason=erasure.BY_THE_PERSON,
                now=timezone.now(),
            )
        except erasure.NotConfirmedError:
            raise ValidationError({"username": ["This is not your username."]}) from None
        except erasure.StaffError as error:
            raise Conflict(STAFF_ACCOUNT, "staff_account") from error
        return Response({"message": "Your account is erased. Thank you for having been with us."})
