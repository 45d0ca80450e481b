"""The Django app of the Stripe sandbox."""

from django.apps import AppConfig

from payments.sandbox.guard import require_sandbox


class SandboxConfig(AppConfig):
    """Register the sandbox's models under a label of their own."""

    name = "payments.sandbox"
    label = "stripe_sandbox"
    verbose_name = "Stripe sandbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        require_sandbox()
