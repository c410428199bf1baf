"""Connects the receivers."""

from __future__ import annotations

from django.apps import AppConfig

from django_metabase_sso.signals import token_issued, token_refused


class AuditConfig(AppConfig):
    """An audit trail of sign-ins to Metabase."""

    name = "example_project.audit"

    def ready(self) -> None:
        from example_project.audit import receivers

        token_issued.connect(receivers.record_issued, dispatch_uid="audit")
        token_refused.connect(receivers.record_refused, dispatch_uid="audit")
