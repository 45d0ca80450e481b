"""The pages for people."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from gatewayz.site import (
    account,
    buying,
    claim,
    dashboard,
    embed,
    home,
    log_in,
    own_data,
    payment_return,
    sign_up,
    statement,
    unsubscribe,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("signup", sign_up.sign_up, name="sign-up"),
    path("register", sign_up.sign_up),
    path("login", log_in.log_in, name="log-in"),
    path("login/sent", log_in.sent, name="log-in-sent"),
    path("login/link", log_in.follow_link, name="log-in-link"),
    path("logout", LogoutView.as_view(next_page="home"), name="log-out"),
    path("dashboard", dashboard.dashboard, name="dashboard"),
    path("dashboard/claim", claim.claim, name="claim"),
    path("dashboard/friends", dashboard.friends, name="friends"),
    path("dashboard/qr.svg", dashboard.qr_code, name="qr-code"),
    path("dashboard/buy", buying.buy, name="buy"),
    path("dashboard/statement", statement.statement, name="statement"),
    path("dashboard/statement.csv", statement.as_csv, name="statement-csv"),
    path("account", account.account, name="account"),
    path("account/keys", account.make_key, name="make-key"),
    path("account/keys/<int:pk>/revoke", account.revoke_key, name="revoke-key"),
    path("account/embed", account.show_snippet, name="embed-snippet"),
    path("account/export", own_data.export, name="export-data"),
    path("account/erase", own_data.erase, name="erase-data"),
    path("account/preferences", account.change_preferences, name="preferences"),
    path("emails/off/<str:token>", unsubscribe.unsubscribe, name="unsubscribe"),
    path("embed", embed.embed, name="embed"),
    path("payment/success", payment_return.success, name="payment-success"),
    path("payment/cancel", payment_return.cancel, name="payment-cancel"),
]
