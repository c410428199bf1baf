"""Who a person would be in Metabase, compared with what the stand-in makes of their token."""

from __future__ import annotations

import json
import operator
from functools import partial
from io import StringIO
from typing import Any, get_args

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from django_metabase_sso.claims import INTERNAL
from django_metabase_sso.doctor.explain import Row, explain
from django_metabase_sso.exceptions import RefusalCode
from django_metabase_sso.identity.users import NotOnePerson, find_user
from django_metabase_sso.policies import require_group
from django_metabase_sso.signals import token_issued, token_refused
from django_metabase_sso.troubleshooting import REFUSAL_CURES, cure_of
from tests.accounts.models import ContactUser, EmailUser, PropertyUser
from tests.helpers.configure import Configure
from tests.helpers.redaction import JWT
from tests.helpers.sso import NAVIGATION, URL
from tests.helpers.tokens import decode
from tests.settings import SECRET


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("metabase_sso", "explain", *arguments, stdout=out, no_color=True)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def rows(user: User) -> dict[tuple[str, str], tuple[str, str]]:
    """Return effect and reason by claim and value."""
    return {(row.claim, row.value): (row.effect, row.why) for row in explain(user).rows}


def effects(user: User) -> dict[tuple[str, str], str]:
    return {key: effect for key, (effect, _) in rows(user).items() if effect != "time"}


def test_the_least(ada: User) -> None:
    assert effects(ada) == {
        ("email", "ada@example.com"): "identity",
        ("first_name", "Ada"): "synced",
        ("last_name", "Lovelace"): "synced",
        ("groups", ""): "left alone",
    }
    assert "GROUP_MAPPING" in rows(ada)["groups", ""][1]
    times = [row for row in explain(ada).rows if row.effect == "time"]
    assert [row.claim for row in times] == ["iat", "exp"]
    assert "600 s" in times[1].why


def test_blank_names(ada: User) -> None:
    ada.first_name = ada.last_name = " "
    assert effects(ada)["first_name", ""] == "left alone"
    assert effects(ada)["last_name", ""] == "left alone"


def test_groups(ada: User, configure: Configure) -> None:
    ada.groups.add(Group.objects.create(name="a"), Group.objects.create(name="b"))
    configure(GROUP_MAPPING={"a": ["Sales", "Administrators"], "b": "Support"})
    found = rows(ada)
    assert found["groups", "Sales"][0] == found["groups", "Support"][0] == "group"
    assert "exactly this name" in found["groups", "Sales"][1]
    effect, why = found["groups", "Administrators"]
    assert effect == "dropped"
    assert "ALLOW_ADMINISTRATORS" in why
    configure(ALLOW_ADMINISTRATORS=True)
    effect, why = rows(ada)["groups", "Administrators"]
    assert effect == "group"
    assert "permissions" in why


def test_no_groups(ada: User, configure: Configure) -> None:
    configure(GROUP_MAPPING={"a": "Sales"})
    assert effects(ada)["groups", "[]"] == "removed from all groups"
    configure(GROUP_MAPPING=lambda user, request: None)
    assert effects(ada)["groups", ""] == "left alone"
    configure(GROUP_MAPPING=lambda user, request: ["administrators"])
    assert effects(ada)["groups", "administrators"] == "dropped"
    assert effects(ada)["groups", "[]"] == "removed from all groups"


def test_attributes(ada: User, configure: Configure) -> None:
    values = {"region": "North", "level": 3, "empty": None, "blank": " "}
    configure(USER_ATTRIBUTES=lambda user, request: values)
    found = effects(ada)
    assert found["region", "North"] == found["level", "3"] == "attribute"
    assert found["empty", ""] == found["blank", ""] == "dropped"
    assert "blank" in rows(ada)["blank", ""][1]


def test_tenants(ada: User, configure: Configure) -> None:
    configure(
        TENANT=lambda user, request: "acme",
        TENANT_ATTRIBUTES=lambda user, request: {"plan": "gold"},
    )
    found = effects(ada)
    assert found["@tenant", "acme"] == "tenant"
    assert found["@tenant.attributes: plan", "gold"] == "tenant attribute"
    configure(TENANT=lambda user, request: INTERNAL)
    assert effects(ada)["@tenant", ""] == "left alone"


def test_other_names_of_claims(ada: User, configure: Configure) -> None:
    configure(CLAIM_NAMES={"email": "mail", "groups": "roles"})
    assert effects(ada)["mail", "ada@example.com"] == "identity"
    assert effects(ada)["roles", ""] == "left alone"


def test_the_length_of_the_redirect(ada: User, signed_in: Client, configure: Configure) -> None:
    location = signed_in.get(URL, headers=NAVIGATION)["Location"]
    assert explain(ada).redirect_bytes == len(location)
    configure(GROUP_MAPPING=lambda user, request: [f"A long name {n}" for n in range(400)])
    explanation = explain(ada)
    assert explanation.refusal is None
    assert explanation.redirect_bytes is not None
    assert explanation.redirect_bytes > 6144
    assert explanation.too_large is not None
    assert explanation.too_large.code == signed_in.get(URL, headers=NAVIGATION).context["code"]
    _, out = run("ada")
    assert "Links and full-app frames do not get a token" in out
    assert "GROUP_MAPPING" in out


# Why there is no token


@pytest.mark.parametrize(
    ("keys", "code", "cure"),
    [
        ({"ACCESS_POLICY": lambda user, request: False}, "policy", "ACCESS_POLICY"),
        ({"TENANT": lambda user, request: None}, "no-tenant", "TENANT"),
        ({"GROUP_MAPPING": lambda user, request: [1]}, "invalid-claim", "METABASE_SSO"),
        ({"USER_ATTRIBUTES": lambda user, request: {"a": []}}, "invalid-claim", "METABASE_SSO"),
    ],
)
def test_refusals(
    ada: User, configure: Configure, keys: dict[str, Any], code: str, cure: str
) -> None:
    configure(**keys)
    explanation = explain(ada)
    assert explanation.rows == []
    assert explanation.redirect_bytes is None
    assert explanation.refusal is not None
    assert explanation.refusal.code == code
    assert cure in explanation.refusal.cure
    exit_code, out = run("ada")
    assert exit_code == 1
    assert out.splitlines()[0] == "This user does not get a token."
    assert f"({code})" in out


@pytest.mark.parametrize(
    ("changed", "code", "cure"),
    [
        ({"is_active": False}, "inactive", "is_active"),
        ({"email": ""}, "no-email", "EMAIL_FIELD"),
        ({"email": "a da"}, "invalid-email", "without spaces"),
        ({"email": "bob@example.com"}, "shared-email", "including inactive users"),
    ],
)
def test_accounts(ada: User, changed: dict[str, Any], code: str, cure: str) -> None:
    User.objects.create_user("bob", "Bob@example.com")
    User.objects.filter(pk=ada.pk).update(**changed)
    refusal = explain(User.objects.get(pk=ada.pk)).refusal
    assert refusal is not None
    assert (refusal.code, cure in refusal.cure) == (code, True)


def test_every_refusal_has_a_cure() -> None:
    assert set(REFUSAL_CURES) == set(get_args(RefusalCode))
    assert "METABASE_SSO" in cure_of("something new")


# The command


def test_text(ada: User) -> None:
    exit_code, out = run("ada")
    lines = out.splitlines()
    assert exit_code == 0
    assert (
        lines[0].split() == "email ada@example.com identity: finds or creates the account".split()
    )
    assert lines[-1].startswith("The redirect to Metabase has ")
    assert not JWT.search(out)


def test_json(ada: User) -> None:
    found = json.loads(run("ada", "--json")[1])
    assert list(found) == ["user", "rows", "redirect_bytes", "refusal", "too_large"]
    assert found["user"] == str(ada.pk)
    assert list(found["rows"][0]) == ["claim", "value", "effect", "why"]
    assert Row(**found["rows"][0]) == explain(ada).rows[0]


def test_a_token(ada: User) -> None:
    issued: list[Any] = []

    def receive(**kwargs: Any) -> None:
        issued.append(kwargs["user"])

    token_issued.connect(receive)
    try:
        run("ada")
        assert issued == []
        _, out = run("ada", "--token")
        assert decode(out.splitlines()[-1])["email"] == "ada@example.com"
        found = json.loads(run("ada", "--token", "--json")[1])
        assert decode(found["token"])["email"] == "ada@example.com"
        assert issued == [ada, ada]
    finally:
        token_issued.disconnect(receive)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_no_token(ada: User, configure: Configure, options: list[str]) -> None:
    configure(ACCESS_POLICY=lambda user, request: False)
    refused: list[str] = []

    def receive(**kwargs: Any) -> None:
        refused.append(kwargs["code"])

    token_refused.connect(receive)
    try:
        exit_code, out = run("ada", "--token", *options)
    finally:
        token_refused.disconnect(receive)
    assert exit_code == 1
    assert refused == ["policy"]
    assert "policy" in out
    if options:
        assert json.loads(out)["token"] is None


def test_bad_settings_and_broken_callables(ada: User, configure: Configure) -> None:
    configure(TOKEN_LIFETIME=0)
    with pytest.raises(CommandError, match="TOKEN_LIFETIME"):
        run("ada")

    def broken(user: object, request: None) -> bool:
        raise AttributeError("request is None")

    configure(TOKEN_LIFETIME=60, ACCESS_POLICY=broken)
    with pytest.raises(
        CommandError,
        match=r"\['ACCESS_POLICY'\] raised AttributeError in broken\(\) \(.*Add --traceback",
    ) as raised:
        run("ada")
    assert isinstance(raised.value.__cause__, AttributeError)


WITHOUT_GROUPS: Any = object()


class Broken:
    """A callable that was not written with `def`."""

    def __call__(self, user: object, request: None) -> bool:
        raise KeyError(SECRET)


def broken_too(flag: bool, user: object, request: None) -> bool:
    raise KeyError(SECRET)


@pytest.mark.parametrize("policy", [Broken(), partial(broken_too, True), Broken().__call__])
def test_which_callable_raised(ada: User, configure: Configure, policy: Any) -> None:
    configure(ACCESS_POLICY=policy)
    with pytest.raises(CommandError) as raised:
        run("ada")
    text = str(raised.value)
    assert text.startswith("METABASE_SSO['ACCESS_POLICY'] raised KeyError in ")
    assert "test_explain.py, line " in text
    assert SECRET not in text


def test_a_callable_written_in_c(ada: User, configure: Configure) -> None:
    """Nothing tells which one it was; other settings that are bad do not matter."""
    configure(USER_ATTRIBUTES=operator.truediv, GUEST_PARAMS="nowhere.params")
    with pytest.raises(CommandError, match=r"^Exception: TypeError\. Add --traceback"):
        run("ada")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (
            {"ACCESS_POLICY": lambda user, request: "yes"},
            r"^Exception: ImproperlyConfigured: METABASE_SSO.* returned str, not a bool\.",
        ),
        (
            {"ACCESS_POLICY": lambda user, request: require_group("a")(WITHOUT_GROUPS, request)},
            r"^METABASE_SSO\['ACCESS_POLICY'\] raised ImproperlyConfigured: require_group needs",
        ),
    ],
)
def test_sentences_of_this_package_are_shown(
    ada: User, configure: Configure, keys: dict[str, Any], words: str
) -> None:
    configure(**keys)
    with pytest.raises(CommandError, match=words):
        run("ada")


# Who is meant


def test_find(ada: User) -> None:
    for text in ("ada", "ADA@example.COM", str(ada.pk), f"pk={ada.pk}"):
        assert find_user(text) == ada
    for text in ("Ada", "pk=ada", "nobody", ""):
        with pytest.raises(NotOnePerson, match="No user has"):
            find_user(text)


def test_find_inactive(ada: User) -> None:
    User.objects.update(is_active=False)
    assert find_user("ada") == ada


def test_several(ada: User) -> None:
    """A username that is another one's key, and a shared address."""
    other = User.objects.create_user(str(ada.pk), "ada@example.com")
    for text in (str(ada.pk), "ada@example.com"):
        with pytest.raises(CommandError, match=f"pk={ada.pk}, pk={other.pk}\\."):
            run(text)
    assert find_user(f"pk={ada.pk}") == ada


def test_a_database_without_users(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE auth_user RENAME TO elsewhere")
    with pytest.raises(CommandError, match="auth_user"):
        run("ada")


def test_many(ada: User) -> None:
    for number in range(12):
        User.objects.create_user(f"user{number}", "crowd@example.com")
    with pytest.raises(NotOnePerson, match=", and more") as raised:
        find_user("crowd@example.com")
    assert str(raised.value).count("pk=") == 10


@pytest.mark.django_db
def test_other_user_models(settings: Settings) -> None:
    settings.AUTH_USER_MODEL = "accounts.EmailUser"
    by_email = EmailUser.objects.create(email="ada@example.com")
    assert find_user("Ada@example.com") == by_email
    assert find_user(str(by_email.pk)) == by_email
    with pytest.raises(NotOnePerson):
        find_user("no-uuid")
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    contact = ContactUser.objects.create(username="bob", contact="bob@example.com")
    assert find_user("BOB@example.com") == contact
    settings.AUTH_USER_MODEL = "accounts.PropertyUser"
    named = PropertyUser.objects.create(username="eve")
    assert find_user("eve") == named
    with pytest.raises(NotOnePerson):
        find_user("nobody@example.com")


def test_what_strangers_wrote_does_not_reach_the_terminal_as_it_is(
    ada: User, configure: Configure
) -> None:
    ada.last_name = "Love\u202elace"
    ada.save()
    configure(
        GROUP_MAPPING=lambda user, request: ["a\u2066b"],
        USER_ATTRIBUTES=lambda user, request: {"region\u200f": "north\u2029" + "x" * 300},
    )
    _, text = run("ada")
    assert all(line.isprintable() for line in text.splitlines())
    assert len(text.splitlines()) == len(text.split("\n")) - 1
    for shown in (
        r"Love\u202elace",
        r"a\u2066b",
        r"region\u200f",
        r"north\u2029",
        "x" * 300,
    ):
        assert shown in text

    def policy(user: User, request: object) -> bool:
        raise PermissionDenied("Not\x1b[31m\nyou")

    configure(ACCESS_POLICY=policy)
    assert r"cause: Not\x1b[31m\nyou (policy)" in run("ada")[1]
