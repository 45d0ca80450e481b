"""The pages for people."""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.generic import TemplateView

from gatewayz.site import dashboard, home, log_in, sign_up

page = TemplateView.as_view

urlpatterns = [
    path("", home.home, name="home"),
    path("signup", sign_up.sign_up, name="sign-up"),
    path("register", sign_up.sign_up),
    path("login", log_in.log_in, name="log-in"),
    path("login/sent", log_in.sent, name="log-in-sent"),
    path("login/link", log_in.follow_link, name="log-in-link"),
    path("logout", LogoutView.as_view(next_page="home"), name="log-out"),
    path("dashboard", dashboard.dashboard, name="dashboard"),
    path("payment/success", page(template_name="payment/success.html"), name="payment-success"),
    path("payment/cancel", page(template_name="payment/cancel.html"), name="payment-cancel"),
]
