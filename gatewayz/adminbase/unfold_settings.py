"""The look of the admin: django-unfold's settings."""

from django.templatetags.static import static
from django.urls import reverse_lazy

# The indigo of our other pages, from light to dark.
_PRIMARY = {
    "50": "oklch(96.2% .018 272.3)",
    "100": "oklch(93% .034 272.8)",
    "200": "oklch(87% .065 274)",
    "300": "oklch(78.5% .115 274.7)",
    "400": "oklch(67.3% .182 276.9)",
    "500": "oklch(64% .2 277.1)",
    "600": "oklch(51.1% .262 277)",
    "700": "oklch(45.7% .24 277)",
    "800": "oklch(39.8% .195 277.4)",
    "900": "oklch(35.9% .144 278.7)",
    "950": "oklch(25.7% .09 281.3)",
}

UNFOLD = {
    "SITE_URL": reverse_lazy("home"),
    "SITE_TITLE": "Gatewayz",
    "SITE_HEADER": "Gatewayz",
    "SITE_SUBHEADER": "Admin",
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("site/favicon.svg"),
        }
    ],
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "COLORS": {"primary": _PRIMARY},
    "LOGIN": {"form": "accounts.operator_login.LogInForm"},
    "ACCOUNT": {
        "navigation": [
            {"title": "Second factor", "link": reverse_lazy("admin:second_factor")},
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
        ],
    },
    "STYLES": [
        lambda request: static("operators/admin.css"),
        lambda request: static("operators/dashboard.css"),
    ],
    "SCRIPTS": [lambda request: static("operators/readers.js")],
    "DASHBOARD_CALLBACK": "gatewayz.operators.dashboard.with_figures",
    "SIDEBAR": {"navigation": "gatewayz.adminbase.navigation.navigation"},
}
