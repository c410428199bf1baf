"""The receivers of `END_ACCESS`. They give the worker a task when a user loses access in Django.

Django does not send a signal for `QuerySet.update` and raw SQL. The command `sync` finds those
users later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save

from django_metabase_sso.access import is_impersonated
from django_metabase_sso.administration import worker
from django_metabase_sso.administration.worker import Task
from django_metabase_sso.conf import conf
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.identity.emails import canonical_email
from django_metabase_sso.signals import log_not_ended

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

UID: Final = "django_metabase_sso.end_access"
BEFORE: Final = "_metabase_sso_active_row"  # the stored row, kept between two signals


def connect() -> None:
    """Connect the receivers for `END_ACCESS`.

    Receivers of deletions need a sender. Without one, Django would load all objects of all models
    before it deletes them.
    """
    if "logout" in conf.END_ACCESS:
        user_logged_out.connect(on_logout, dispatch_uid=UID)
    if "deactivation" in conf.END_ACCESS:
        concrete = get_user_model()._meta.concrete_model  # noqa: SLF001
        for model in apps.get_models():
            if model._meta.concrete_model is concrete:  # noqa: SLF001 - proxies have their own
                pre_save.connect(before_save, sender=model, dispatch_uid=UID)
                post_save.connect(hand_over_remembered, sender=model, dispatch_uid=UID)
                pre_delete.connect(remember, sender=model, dispatch_uid=UID)
                post_delete.connect(hand_over_remembered, sender=model, dispatch_uid=UID)


def disconnect() -> None:
    """Disconnect all receivers."""
    user_logged_out.disconnect(dispatch_uid=UID)
    for model in apps.get_models():
        for signal in (pre_save, post_save, pre_delete, post_delete):
            signal.disconnect(sender=model, dispatch_uid=UID)


def on_logout(
    *, request: HttpRequest | None, user: AbstractBaseUser | None, **kwargs: Any
) -> None:
    """End a user's sessions in Metabase, except when staff stop acting as that user."""
    with never_failing(user, "the receiver failed"):
        if user is not None and not is_impersonated(user, request):
            email = canonical_email(user)
            hand_over(Task("sessions", user.__class__, user, user.pk, email), user._state.db)  # noqa: SLF001


def before_save(
    *, instance: AbstractBaseUser, using: str, raw: bool, update_fields: Any, **kwargs: Any
) -> None:
    """Keep the row of an active user who is about to become inactive. Needs one query."""
    vars(instance).pop(BEFORE, None)
    if raw or instance.is_active or instance.pk is None or instance._state.adding:  # noqa: SLF001
        return
    if update_fields is None or "is_active" in update_fields:
        remember(instance=instance, using=using)


def remember(*, instance: AbstractBaseUser, using: str, **kwargs: Any) -> None:
    """Keep the stored row of an active user on the instance, which may have other values.

    Called before a deletion and before a user becomes inactive. Needs one query for each user.
    """
    with never_failing(instance, "reading the row failed"):
        rows = type(instance)._base_manager.using(using)  # noqa: SLF001
        row = rows.filter(pk=instance.pk).first()
        if row is not None and row.is_active:
            setattr(instance, BEFORE, row)


def hand_over_remembered(*, instance: AbstractBaseUser, using: str, **kwargs: Any) -> None:
    """Give the worker the task for the row that `remember` kept, whose address Metabase knows.

    Called after the user has become inactive or has been deleted.
    """
    row = vars(instance).pop(BEFORE, None)
    if row is None:
        return
    with never_failing(instance, "the receiver failed"):
        task = Task("deactivated", type(instance), row, instance.pk, canonical_email(row))
        hand_over(task, using)


@contextmanager
def never_failing(user: AbstractBaseUser | None, what: str) -> Iterator[None]:
    """Log an exception: saving, deleting and signing out must not fail."""
    try:
        yield
    except AccessRefused:
        pass  # users without a valid address have no account
    except Exception as error:  # noqa: BLE001 - the database or a field may raise anything
        log_not_ended(getattr(user, "pk", None), f"{what} ({type(error).__name__})")


def hand_over(task: Task, using: str | None) -> None:
    """Give the task to the worker after the transaction has committed."""
    transaction.on_commit(lambda: worker.put(task), using=using, robust=True)
