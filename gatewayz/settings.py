"""Django's settings. What differs between deployments comes from the environment (CONTRACT 4)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils.module_loading import import_string

from gatewayz import database_url, email_url, env_file, environment, retention_periods
from gatewayz.adminbase import unfold_settings
from gatewayz.api import openapi_settings
from gatewayz.http import logs
from gatewayz.postgresql.connection_settings import (
    CONNECTION_SETTINGS,
    as_options,
    replica_database,
)

BASE_DIR = Path(__file__).resolve().parent.parent
env_file.read(BASE_DIR / ".env")

# --- How we run ---------------------------------------------------------------------------------

DEBUG = environment.flag("DEBUG", default=False)
PORT = environment.whole_number("PORT", default=8000, least=1, most=65534)

_DEVELOPMENT_KEY = "django-insecure-for-development-only"
SECRET_KEY = environment.text("SECRET_KEY", _DEVELOPMENT_KEY if DEBUG else None)
SECRET_KEY_FALLBACKS = environment.names("SECRET_KEY_FALLBACKS")
# The first makes new keys. Beside these, SECRET_KEY and its fallbacks always work as peppers.
API_KEY_PEPPERS = environment.names("API_KEY_PEPPERS")
if not DEBUG:
    environment.require_random("SECRET_KEY", [SECRET_KEY], length=50)
    environment.require_random("SECRET_KEY_FALLBACKS", SECRET_KEY_FALLBACKS, length=50)
    environment.require_random("API_KEY_PEPPERS", API_KEY_PEPPERS, length=32)

ALLOWED_HOSTS = environment.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEBUG else "")
FRONTEND_URL = environment.web_address(
    "FRONTEND_URL",
    default=f"http://127.0.0.1:{PORT}" if DEBUG else "https://app.gatewayz.ai",
)

# --- Stripe -------------------------------------------------------------------------------------

# Without a Stripe key, development talks to the sandbox that `./dev run` serves beside the program.
STRIPE_SANDBOX = DEBUG and not environment.is_set("STRIPE_SECRET_KEY")
STRIPE_SANDBOX_WEBHOOK_URL = environment.web_address(
    "STRIPE_SANDBOX_WEBHOOK_URL", default=f"http://127.0.0.1:{PORT}/api/stripe/webhook"
)
STRIPE_SECRET_KEY = environment.stripe_key(
    "STRIPE_SECRET_KEY", default="sk_test_gatewayz_sandbox" if STRIPE_SANDBOX else None
)
STRIPE_LIVEMODE = "_live_" in STRIPE_SECRET_KEY
STRIPE_API_BASE = environment.web_address(
    "STRIPE_API_BASE",
    default=f"http://127.0.0.1:{PORT + 1}" if STRIPE_SANDBOX else "https://api.stripe.com",
)
STRIPE_WEBHOOK_SECRETS = environment.webhook_secrets(
    "STRIPE_WEBHOOK_SECRET", default="whsec_gatewayz_sandbox" if STRIPE_SANDBOX else None
)

# --- Referrals: the terms of a new database; an operator changes them later ----------------------

REFERRAL_BONUS = environment.amount("REFERRAL_BONUS", default="10.00", least="0.01")
REFERRAL_MIN_PURCHASE = environment.amount("REFERRAL_MIN_PURCHASE", default="10.00", least="0.01")
REFERRAL_MAX_USES = environment.whole_number("REFERRAL_MAX_USES", default=10, least=1, most=10000)
REFERRAL_REFERRER_EMAIL = environment.one_of(
    "REFERRAL_REFERRER_EMAIL", ("full", "masked", "hidden"), default="full"
)

# --- Operators ----------------------------------------------------------------------------------

# What one operator may adjust on one account in 24 hours without a second person. `migrate` writes
# it into the database, and what is there counts.
ADJUSTMENT_APPROVAL_LIMIT = environment.amount(
    "ADJUSTMENT_APPROVAL_LIMIT", default="100.00", least="0", most="100000"
)

# --- Django -------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "accounts",
    "referrals",
    "payments",
    "gatewayz.operators",
    "gatewayz.site",
    # Before Django's admin, because their templates replace its own.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "gatewayz.operators.apps.AdminSiteConfig",
    # Before `auth`: after its post_migrate the staff groups get their permissions, these included.
    "procrastinate.contrib.django",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "corsheaders",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
]
if STRIPE_SANDBOX:
    INSTALLED_APPS.append("payments.sandbox")

MIDDLEWARE = [
    "gatewayz.http.metrics.count_requests",
    "gatewayz.http.access_log.log_requests",
    "gatewayz.http.client_address.believe_trusted_proxies",
    # Before all that refuses: a browser shows a page no refusal without these headers.
    "corsheaders.middleware.CorsMiddleware",
    "gatewayz.http.middleware.require_https",
    "gatewayz.http.error_pages.refuse_bad_bodies",
    "django.middleware.security.SecurityMiddleware",
    "gatewayz.http.pages_only.WhiteNoiseMiddleware",
    "gatewayz.http.pages_only.CSPMiddleware",
    "gatewayz.http.middleware.accept_trailing_slash",
    "gatewayz.http.pages_only.SessionMiddleware",
    "gatewayz.http.middleware.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "gatewayz.http.pages_only.AuthenticationMiddleware",
    "gatewayz.http.pages_only.OTPMiddleware",
    "gatewayz.http.pages_only.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "gatewayz.http.error_pages.TryLaterMiddleware",
    "axes.middleware.AxesMiddleware",
]

# Where a proxy serves the program, if not at the root; it passes the path on without this.
FORCE_SCRIPT_NAME = environment.path_prefix("FORCE_SCRIPT_NAME")
ROOT_URLCONF = "gatewayz.urls"
WSGI_APPLICATION = "gatewayz.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES: dict[str, dict[str, Any]] = {"default": database_url.read("DATABASE_URL")}
_DATABASE_OPTIONS = DATABASES["default"]["OPTIONS"]
DATABASES["default"] |= {
    "ENGINE": "gatewayz.postgresql",
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        "options": as_options(CONNECTION_SETTINGS, _DATABASE_OPTIONS.pop("options", "")),
        "connect_timeout": 5,
        # Django says None by default, with which psycopg prepares nothing, even when asked to. Its
        # own cursors still prepare nothing: they send values within the text.
        "prepare_threshold": 5,
    }
    | _DATABASE_OPTIONS,
}

# Reports read the replica unless it lags by more than this (accounts/report_database.py).
DATABASE_REPLICA_MAX_LAG_SECONDS = environment.whole_number(
    "DATABASE_REPLICA_MAX_LAG_SECONDS", default=30, least=1, most=3600
)
if environment.is_set("DATABASE_REPLICA_URL"):
    DATABASES["replica"] = replica_database(database_url.read("DATABASE_REPLICA_URL"))
    DATABASE_ROUTERS = ["accounts.report_database.Router"]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = "gatewayz.formats"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = f"{FORCE_SCRIPT_NAME or ''}/static/"
STATIC_ROOT = environment.text("STATIC_ROOT", str(BASE_DIR / "staticfiles"))
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
if not DEBUG:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

# --- The API ------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.throttling.RequestThrottle"],
    "DEFAULT_PARSER_CLASSES": ["gatewayz.api.json_api.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["gatewayz.api.json_api.ExactJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "gatewayz.api.json_api.AlwaysJSON",
    "DEFAULT_PAGINATION_CLASS": "gatewayz.api.json_api.NewestFirstPagination",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "gatewayz.api.auto_schema.AutoSchema",
    "EXCEPTION_HANDLER": "gatewayz.api.errors.to_response",
    "COERCE_DECIMAL_TO_STRING": False,
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = openapi_settings.SPECTACULAR_SETTINGS
if FORCE_SCRIPT_NAME:
    SPECTACULAR_SETTINGS |= {"SERVERS": [{"url": FORCE_SCRIPT_NAME}]}

# --- E-mails (accounts/emails.py) ---------------------------------------------------------------

# Without EMAIL_URL, development keeps them in files, which the sandbox shows, and production waits.
EMAILS_ARE_SENT = DEBUG or environment.is_set("EMAIL_URL")
globals().update(email_url.read("EMAIL_URL", or_files_in=BASE_DIR / ".dev" / "mail"))
DEFAULT_FROM_EMAIL = environment.text("EMAIL_FROM", "Gatewayz <no-reply@localhost>")

# --- The operators' desk, and the log-in to it (accounts/operator_login.py) -----------------------

UNFOLD = unfold_settings.UNFOLD
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "sesame.backends.ModelBackend",
]
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# Developers mistype often, and there is nothing to protect.
AXES_FAILURE_LIMIT = 100 if DEBUG else 10
AXES_COOLOFF_TIME = timedelta(hours=1)
# An attempt during a lock-out neither extends it nor adds a row.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "accounts.operator_login.address"
AXES_LOCKOUT_CALLABLE = "accounts.operator_login.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code"]
LOGIN_REDIRECT_URL = "admin:index"
OTP_TOTP_ISSUER = "Gatewayz"
REQUIRE_SECOND_FACTOR = environment.flag("REQUIRE_SECOND_FACTOR", default=False)

# --- The log-in of people, by a link in an e-mail (accounts/log_in_links.py) ----------------------

LOGIN_URL = "log-in"
SESAME_MAX_AGE = timedelta(minutes=15)
SESAME_ONE_TIME = True
SESAME_INVALIDATE_ON_EMAIL_CHANGE = True
SESAME_SIGNATURE_SIZE = 16
SESAME_TOKENS = ["sesame.tokens_v2"]

# --- Browsers on other origins: a front end elsewhere ---------------------------------------------

CORS_ALLOWED_ORIGINS = environment.origins(
    "CORS_ALLOWED_ORIGINS", default=environment.origin_of(FRONTEND_URL)
)
# The sites that may frame /embed, which is another trust than to call the API.
EMBED_ORIGINS = environment.origins("EMBED_ORIGINS", default="none")
# The API, without its documentation, which is a page, and what Stripe's servers call.
CORS_URLS_REGEX = r"/(api/(?!docs|stripe/webhook)|auth/|referral/|user/|healthz|readyz)"
CORS_ALLOW_METHODS = ["GET", "POST", "PATCH", "DELETE"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key"]
CORS_EXPOSE_HEADERS = ["Retry-After", "WWW-Authenticate"]

# --- Rate limits: (uses, period), or None for no limit ------------------------------------------

RATE_LIMITS = {
    "register": environment.rate("RATE_LIMIT_REGISTER", default="off" if DEBUG else "20/hour"),
    "validate": environment.rate("RATE_LIMIT_VALIDATE", default="off" if DEBUG else "60/minute"),
    "api": environment.rate("RATE_LIMIT_API", default="off" if DEBUG else "600/minute"),
    "log_in": environment.rate("RATE_LIMIT_LOG_IN", default="off" if DEBUG else "20/minute"),
    "log_in_link": environment.rate("RATE_LIMIT_LOG_IN_LINK", default="off" if DEBUG else "5/hour"),
    "wrong_key": environment.rate("RATE_LIMIT_WRONG_KEY", default="off" if DEBUG else "30/minute"),
}
TRUSTED_PROXIES = environment.networks("TRUSTED_PROXIES")

# --- Retention: how long what is over is kept, or None for ever (payments/retention.py) -----------

RETENTION = retention_periods.read()

# --- Metrics ------------------------------------------------------------------------------------

METRICS_TOKEN = environment.token("METRICS_TOKEN")

# --- Jobs: `manage.py worker` ---------------------------------------------------------------------

# Successful jobs are deleted; failed ones stay for operators to see. Several at once: somebody who
# logs in does not wait for the nightly check of the ledger.
PROCRASTINATE_WORKER_DEFAULTS = {"concurrency": 3, "delete_jobs": "successful"}

# --- Security -----------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}
CSRF_FAILURE_VIEW = "gatewayz.http.error_pages.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_ENGINE = "gatewayz.http.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_SSL_REDIRECT = not DEBUG
SECURE_REDIRECT_EXEMPT = [r"(^|/)healthz/?$", r"(^|/)readyz/?$", r"(^|/)metrics$"]
SECURE_HSTS_SECONDS = environment.whole_number(
    "HSTS_SECONDS", default=0 if DEBUG else 365 * 24 * 3600, least=0, most=10 * 365 * 24 * 3600
)
SECURE_HSTS_INCLUDE_SUBDOMAINS = environment.flag("HSTS_INCLUDE_SUBDOMAINS", default=not DEBUG)
SECURE_HSTS_PRELOAD = environment.flag("HSTS_PRELOAD", default=not DEBUG)

# --- Logs ---------------------------------------------------------------------------------------

LOGGING_CONFIG = None
logs.configure(as_json=not DEBUG)

# --- Errors -------------------------------------------------------------------------------------

if environment.is_set("SENTRY_DSN"):
    # Imported only then: the library takes a while, at each start.
    report_to = import_string("gatewayz.http.error_reports.report_to")
    report_to(environment.web_address("SENTRY_DSN", default=""))
