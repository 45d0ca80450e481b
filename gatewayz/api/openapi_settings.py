"""What the OpenAPI document says of the API as a whole."""

from typing import Any

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Gatewayz referrals and credits",
    "DESCRIPTION": "Register, get an API key and a referral code, invite friends, buy credits.\n\n"
    "Amounts of money are US dollars (`20.0`), but for Stripe's own `amount`, which is in cents.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "DEFAULT_GENERATOR_CLASS": "gatewayz.api.schema.OnceGenerator",
    "TAGS": [
        {"name": name} for name in ("Accounts", "Referrals", "Payments", "API keys", "Health")
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": True, "displayRequestDuration": True},
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "gatewayz.api.schema.document_errors",
    ],
    "ENUM_NAME_OVERRIDES": {
        "PaymentStatus": "payments.models.Payment.Status",
        "ReferralStatus": "referrals.models.Referral.Status",
    },
}
