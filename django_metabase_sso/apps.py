"""The app: no models, no migrations, nothing stored."""

from __future__ import annotations

from importlib.util import find_spec

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class MetabaseSSOConfig(AppConfig):
    """Registers the system checks, and CORS where django-cors-headers is installed."""

    name = "django_metabase_sso"
    label = "metabase_sso"
    verbose_name = _("Metabase single sign-on")

    def ready(self) -> None:
        from django_metabase_sso import checks

        checks.register_all()
        if apps.is_installed("corsheaders"):
            from corsheaders.signals import check_request_enabled

            from django_metabase_sso.middleware import enable_cors

            check_request_enabled.connect(enable_cors, dispatch_uid="django_metabase_sso")
        if find_spec("httpx"):  # or else there is no client, and no session to forget
            from django.contrib.auth.signals import user_logged_out

            from django_metabase_sso.session_cache import forget_signed_out

            user_logged_out.connect(forget_signed_out, dispatch_uid="django_metabase_sso")
