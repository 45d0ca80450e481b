"""The settings of the project that runs dj-stripe; its tables have a schema of their own."""

import os

from gatewayz import database_url
from gatewayz.benchmarks import HOST

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = [HOST]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "djstripe"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "gatewayz.benchmarks.peers.djstripe_project.urls"
DATABASES = {"default": database_url.read("PEER_DATABASE")}
DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
DATABASES["default"]["CONN_MAX_AGE"] = int(os.environ["PEER_CONNECTION_SECONDS"])
DATABASES["default"]["OPTIONS"]["options"] = "-c search_path=djstripe -c jit=off"
# The tables are made from the models, as dj-stripe's migrations take most of a minute.
MIGRATION_MODULES = dict.fromkeys(("contenttypes", "auth", "djstripe"))
USE_TZ = True
STRIPE_TEST_SECRET_KEY = os.environ["STRIPE_SECRET_KEY"]
STRIPE_LIVE_MODE = False
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
STRIPE_API_HOST = os.environ["PEER_STRIPE"]
