"""django-loginas and django-su, by their own views; the other packages are in test_access.py."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from django_metabase_sso.signals import token_issued
from tests.helpers.configure import Configure
from tests.helpers.markdown import block
from tests.helpers.signals import receiving
from tests.helpers.sso import FETCH, assert_error
from tests.helpers.tokens import decode, token_of

MARK = "exit_users_pk"


@pytest.fixture
def staff(ada: User) -> User:
    return User.objects.create_superuser("root", "root@example.com")


@pytest.fixture
def flag(request: pytest.FixtureRequest, settings: Settings, monkeypatch: Any) -> str:
    """django-loginas reads its settings once."""
    from loginas import settings as of_loginas

    name = str(request.param)
    if name != of_loginas.USER_SESSION_FLAG:
        settings.LOGINAS_FROM_USER_SESSION_FLAG = name
    monkeypatch.setattr(of_loginas, "USER_SESSION_FLAG", name)
    return name


@pytest.mark.parametrize("flag", ["loginas_from_user", "staff_acting"], indirect=True)
def test_loginas(client: Client, ada: User, staff: User, flag: str) -> None:
    client.force_login(staff)
    assert client.post(f"/loginas/login/user/{ada.pk}/").status_code == 302
    assert client.session[flag].startswith(f"{staff.pk}:")
    assert_error(client.get(FETCH), 403, "impersonated")
    client.get("/loginas/logout/")
    assert decode(token_of(client.get(FETCH)))["email"] == "root@example.com"


def test_su(client: Client, ada: User, staff: User) -> None:
    client.force_login(staff)
    assert client.post(f"/su/{ada.pk}/").status_code == 302
    assert client.session[MARK][0][0] == str(staff.pk)
    assert_error(client.get(FETCH), 403, "impersonated")
    client.post("/su/")
    assert decode(token_of(client.get(FETCH)))["email"] == "root@example.com"


def test_su_with_the_middleware_of_the_documentation(
    client: Client, ada: User, staff: User, settings: Settings, configure: Configure
) -> None:
    configure(ALLOW_IMPERSONATION=True)
    between = User.objects.create_superuser("between", "between@example.com")
    client.force_login(staff)
    for user in (between, ada):
        assert client.post(f"/su/{user.pk}/").status_code == 302
    assert_error(client.get(FETCH), 403, "impersonated")  # an audit could not name anybody
    cookies = client.cookies
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.impersonator_middleware"]
    client = Client()  # the other one keeps its middleware
    client.cookies = cookies
    issued: list[object] = []
    with receiving(lambda impersonator, **kwargs: issued.append(impersonator), token_issued):
        assert decode(token_of(client.get(FETCH)))["email"] == "ada@example.com"
    assert issued == [staff]
    client.post("/su/")
    client.post("/su/")
    assert decode(token_of(client.get(FETCH)))["email"] == "root@example.com"


def impersonator_middleware(get_response: Any) -> Any:
    """Return the middleware of docs/access.md."""
    code = block("python", "ImpersonatorMiddleware")
    names: dict[str, Any] = {}
    exec(code, names)
    return names["ImpersonatorMiddleware"](get_response)
