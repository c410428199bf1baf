from __future__ import annotations

from django.apps import AppConfig


class EmailIndexConfig(AppConfig):
    """To remove the index, run `manage.py migrate metabase_sso_email_index zero`."""

    name = "django_metabase_sso.contrib.email_index"
    label = "metabase_sso_email_index"
    verbose_name = "Metabase SSO: index of e-mail addresses"
