"""The accounts endpoints."""

from django.urls import path

from accounts.person_views import PersonViewSet
from accounts.views import (
    ApiKeyViewSet,
    BalanceViewSet,
    PreferencesViewSet,
    ProofViewSet,
    RegistrationViewSet,
    TokenViewSet,
    TransactionViewSet,
)

urlpatterns = [
    path("auth/register", RegistrationViewSet.as_view({"post": "create"})),
    path("user/balance", BalanceViewSet.as_view({"get": "retrieve"})),
    path("user/transactions", TransactionViewSet.as_view({"get": "list"})),
    path("user/transactions/<int:pk>/proof", ProofViewSet.as_view({"get": "retrieve"})),
    path(
        "user/preferences",
        PreferencesViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
    path("user/tokens", TokenViewSet.as_view({"post": "create"})),
    path("user/export", PersonViewSet.as_view({"get": "export"})),
    path("user/erase", PersonViewSet.as_view({"post": "erase"})),
    path("user/api-keys", ApiKeyViewSet.as_view({"get": "list", "post": "create"})),
    path("user/api-keys/<int:pk>", ApiKeyViewSet.as_view({"delete": "destroy"})),
]
