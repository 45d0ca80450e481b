"""What Stripe's objects say of the features that the sandbox does not have: always the same."""

from typing import Any

SESSION: dict[str, Any] = {
    "adaptive_pricing": {"enabled": False},
    "automatic_tax": {
        "enabled": False,
        "liability": None,
        "provider": None,
        "status": None,
    },
    "custom_fields": [],
    "custom_text": {
        "after_submit": None,
        "shipping_address": None,
        "submit": None,
        "terms_of_service_acceptance": None,
    },
    "customer_creation": "if_required",
    "discounts": [],
    "invoice_creation": {
        "enabled": False,
        "invoice_data": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": None,
            "metadata": {},
            "rendering_options": None,
        },
    },
    "livemode": False,
    "managed_payments": {"enabled": False},
    "mode": "payment",
    "payment_method_collection": "if_required",
    "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
    "phone_number_collection": {"enabled": False},
    "shipping_options": [],
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    "ui_mode": "hosted_page",
    **dict.fromkeys(
        (
            "after_expiration",
            "allow_promotion_codes",
            "billing_address_collection",
            "client_secret",
            "collected_information",
            "consent",
            "consent_collection",
            "currency_conversion",
            "customer",
            "customer_account",
            "integration_identifier",
            "invoice",
            "locale",
            "origin_context",
            "payment_link",
            "payment_method_configuration_details",
            "permissions",
            "recovered_from",
            "saved_payment_method_options",
            "setup_intent",
            "shipping_address_collection",
            "shipping_cost",
            "submit_type",
            "subscription",
            "wallet_options",
        )
    ),
}
PAYMENT_INTENT: dict[str, Any] = {
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "capture_method": "automatic_async",
    "confirmation_method": "automatic",
    "livemode": False,
    "managed_payments": {"enabled": False},
    "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
    **dict.fromkeys(
        (
            "application",
            "application_fee_amount",
            "automatic_payment_methods",
            "canceled_at",
            "cancellation_reason",
            "customer",
            "customer_account",
            "excluded_payment_method_types",
            "next_action",
            "on_behalf_of",
            "payment_method_configuration_details",
            "processing",
            "receipt_email",
            "review",
            "setup_future_usage",
            "shipping",
            "source",
            "statement_descriptor",
            "statement_descriptor_suffix",
            "transfer_data",
            "transfer_group",
        )
    ),
}
CHARGE: dict[str, Any] = {
    "calculated_statement_descriptor": "GATEWAYZ",
    "fraud_details": {},
    "livemode": False,
    **dict.fromkeys(
        (
            "application",
            "application_fee",
            "application_fee_amount",
            "customer",
            "failure_balance_transaction",
            "on_behalf_of",
            "receipt_email",
            "receipt_number",
            "receipt_url",
            "review",
            "shipping",
            "source",
            "source_transfer",
            "statement_descriptor",
            "statement_descriptor_suffix",
            "transfer_data",
            "transfer_group",
        )
    ),
}
REFUND: dict[str, Any] = dict.fromkeys(
    (
        "customer",
        "customer_account",
        "payment_method",
        "receipt_number",
        "source_transfer_reversal",
        "transfer_reversal",
    )
)
DISPUTE: dict[str, Any] = {
    "enhanced_eligibility_types": [],
    "livemode": False,
}
