"""The app. It has no models and no migrations."""

from __future__ import annotations

from contextlib import suppress

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from django_metabase_sso.conf import conf
from django_metabase_sso.exceptions import BadSetting


class MetabaseSSOConfig(AppConfig):
    """Registers the system checks, and connects the receivers that the settings need."""

    name = "django_metabase_sso"
    label = "metabase_sso"
    verbose_name = _("Metabase single sign-on")

    def ready(self) -> None:
        from django_metabase_sso import checks  # noqa: F401

        with suppress(BadSetting):  # the checks report it
            if conf.END_ACCESS:
                from django_metabase_sso.administration import receivers

                receivers.connect()
            if "logout" in conf.END_ACCESS:
                from django_metabase_sso.client.apps import follow_logout

                follow_logout()
