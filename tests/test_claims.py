from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from django.utils.translation import gettext_lazy
from pytest_django import DjangoAssertNumQueries

from django_metabase_sso.claims import INTERNAL, build, django_groups, is_privileged, person_names
from django_metabase_sso.exceptions import AccessRefused, InvalidClaim
from tests.accounts.models import ContactUser
from tests.helpers.configure import Configure


class Team(str, Enum):
    SALES = "Sales"


@pytest.fixture
def unsaved() -> User:
    return User(pk=1, username="ada", email="ada@example.com", first_name="Ada")


def groups_of(user: User, configure: Configure, result: Any) -> Any:
    configure(GROUP_MAPPING=lambda user, request: result)
    return build(user).get("groups", "absent")


def test_the_least(unsaved: User) -> None:
    assert build(unsaved) == {"email": "ada@example.com", "first_name": "Ada"}


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("Ada", "Lovelace", {"first_name": "Ada", "last_name": "Lovelace"}),
        (" Ada ", "", {"first_name": "Ada"}),
        ("", " ", {}),
        ("", "李", {"last_name": "李"}),
    ],
)
def test_names(unsaved: User, first: str, last: str, expected: dict[str, str]) -> None:
    unsaved.first_name, unsaved.last_name = first, last
    assert build(unsaved) == {"email": "ada@example.com", **expected}


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("Ada\nMaria", "Ada Maria"),
        ("Ada\r\nMaria", "Ada Maria"),
        ("Ada\tMaria\n", "Ada Maria"),
        ("Ada\x07", "Ada"),
        ("A\x85d\x00\x1b a", "A d  a"),
        ("Ada\u2028Maria\u2029", "Ada Maria"),
        ("Ada\u200fMaria\u00a0B", "Ada\u200fMaria\u00a0B"),
        ("\r\n", None),
    ],
)
def test_control_characters_in_names_are_a_space(
    unsaved: User, name: str, sent: str | None
) -> None:
    unsaved.first_name = unsaved.last_name = name
    found = build(unsaved)
    assert (found.get("first_name"), found.get("last_name")) == (sent, sent)


def test_a_full_name_of_two_lines() -> None:
    user: Any = type("Person", (), {"get_full_name": lambda self: "Ada\r\nMaria\nLovelace"})()
    assert person_names(user) == ("Ada", "Maria Lovelace")


def test_half_a_surrogate_pair_in_a_name(unsaved: User) -> None:
    unsaved.last_name = "\ud83d"
    with pytest.raises(InvalidClaim, match="last_name"):
        build(unsaved)


# Groups


def test_no_mapping_sends_no_claim(unsaved: User) -> None:
    assert "groups" not in build(unsaved)


@pytest.mark.parametrize(
    ("result", "groups"),
    [
        (None, "absent"),
        ([], []),
        ((), []),
        (iter(()), []),
        (["Sales", "Support"], ["Sales", "Support"]),
        (["b", "a", "b", "", "  "], ["b", "a"]),
        ({"b", "a", "c"}, ["a", "b", "c"]),
        ([gettext_lazy("Sales")], ["Sales"]),
        ({"a": 1}.keys(), ["a"]),
        ([Team.SALES], ["Sales"]),
        ({Team.SALES, "A"}, ["A", "Sales"]),
    ],
)
def test_callable(unsaved: User, configure: Configure, result: Any, groups: Any) -> None:
    assert groups_of(unsaved, configure, result) == groups


def test_callable_that_returns_a_generator(unsaved: User, configure: Configure) -> None:
    assert groups_of(unsaved, configure, (name for name in ("x", "y"))) == ["x", "y"]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("Sales", "returned str. It must return a list"),
        (b"Sales", "returned bytes. It must return a list"),
        ({"Sales": 1}, "returned dict. It must return a list"),
        (1, "returned int. It must return a list"),
        ([1], "must be a str, not int"),
        ([None], "must be a str, not NoneType"),
        ([b"x"], "must be a str, not bytes"),
        (["\n"], "contains a control character"),
    ],
)
def test_what_is_no_list_of_names(
    unsaved: User, configure: Configure, result: Any, words: str
) -> None:
    with pytest.raises(InvalidClaim, match=f"^Claim 'groups': .*{words}"):
        groups_of(unsaved, configure, result)


def test_groups_are_those_of_the_user_and_the_request(
    unsaved: User, configure: Configure, rf: RequestFactory
) -> None:
    request = rf.get("/")
    configure(GROUP_MAPPING=lambda *args: ["Sales"] if args == (unsaved, request) else [])
    assert build(unsaved, request)["groups"] == ["Sales"]


def test_dict_is_an_allow_list(
    ada: User, configure: Configure, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    mapping = {
        "sales": "Sales",
        "all": ["Everybody", "Sales"],
        "unused": "Unused",
        "a": {"Z", "Y"},
    }
    configure(GROUP_MAPPING=mapping)
    assert build(ada)["groups"] == []
    for name in ["sales", "secret", "all", "a"]:
        ada.groups.add(Group.objects.create(name=name))
    with django_assert_num_queries(1):
        assert build(ada)["groups"] == ["Y", "Z", "Everybody", "Sales"]


@pytest.mark.parametrize("name", [1, None, pytest.param(10**5000, id="huge")])
def test_a_set_with_what_is_no_name(unsaved: User, configure: Configure, name: object) -> None:
    with pytest.raises(InvalidClaim, match="name of a group must be a str"):
        groups_of(unsaved, configure, {"a", name})


def test_django_groups_by_dotted_path(ada: User, configure: Configure) -> None:
    for name in ["b", "a"]:
        ada.groups.add(Group.objects.create(name=name))
    configure(GROUP_MAPPING="django_metabase_sso.claims.django_groups")
    assert build(ada)["groups"] == ["a", "b"]


def test_a_user_model_without_groups() -> None:
    with pytest.raises(ImproperlyConfigured, match="GROUP_MAPPING"):
        django_groups(ContactUser())


@pytest.mark.parametrize(
    "name",
    [
        "Administrators",
        "administrators",
        " ADMINISTRATORS ",
        "Ádministrators",
        "A\u0301dministrators",
        "Ａｄｍｉｎｉｓｔｒａｔｏｒｓ",
        "Admin\u200bistrators",
        "Adminis\u00adtrators",
        "Administrators\u0903",
        "Administrators\u20dd",
        "𝐀dministrators",
        "Administratorſ",
        "Data Analysts",
        "data\u00a0analysts",
        "Data  Analysts",
        "Data\u1680Analysts",
        "Administrators\ue000",  # a character without a name
        "Admin\u06deistrators",  # what MariaDB's collations take for the same name
        "A\u0111ministrators",
        "Adm\u0131nistrators",
        "Admini\u00dftrators",
        "Admin\ufc60istrators",  # whose compatible form begins with a space
        "Admin istrators",
        "\u3000Data\u2003Analysts",
        "DataAnalysts",
        "Ad\u00b4ministrators",  # an accent on a space
        "Administrators\u00a9",
        "~Administrators^",
        "Admin\U0001f600istrators",
        "\u202eAdministrators",
        "Administrators\U000e0041",
    ],
)
def test_privileged_groups_are_dropped_and_logged(
    unsaved: User, configure: Configure, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    assert is_privileged(name)
    assert groups_of(unsaved, configure, [name, "Sales"]) == ["Sales"]
    [record] = caplog.records
    assert (record.levelname, record.name) == ("WARNING", "django_metabase_sso")
    assert record.__dict__["code"] == "privileged-group"
    assert record.__dict__["user_id"] == 1
    assert record.getMessage() == (
        f"The group {name!r} was not sent to Metabase for user 1, because"
        " ALLOW_ADMINISTRATORS is off."
    )
    configure(ALLOW_ADMINISTRATORS=True)
    assert groups_of(unsaved, configure, [name, "Sales"]) == [name, "Sales"]


@pytest.mark.parametrize(
    "name",
    [
        "Administrator",
        "Sales Administrators",
        "Administrators-EU",
        "Data",
        "Data-Analysts",
        "Анализ",
        "営業 analysts",
        "Administração",
        "Süd – Administratoren",
        "Ærøskøbing",
        "Łódź",
    ],
)
def test_other_groups_are_not_privileged(name: str) -> None:
    assert not is_privileged(name)


def test_privileged_groups_of_a_dict(ada: User, configure: Configure) -> None:
    ada.groups.add(Group.objects.create(name="boss"))
    configure(GROUP_MAPPING={"boss": ["Administrators", "Sales"]})
    assert build(ada)["groups"] == ["Sales"]


# Attributes and names of claims


def test_user_attributes(unsaved: User, configure: Configure, rf: RequestFactory) -> None:
    request = rf.get("/")
    seen: list[tuple[object, object]] = []

    def attributes_for(*args: Any) -> dict[str, object]:
        seen.append(args)
        return {"region": "north", "seats": 42, "none": None}

    configure(USER_ATTRIBUTES=attributes_for)
    claims = build(unsaved, request)
    assert (claims["region"], claims["seats"]) == ("north", "42")
    assert "none" not in claims
    assert seen == [(unsaved, request)]


@pytest.mark.parametrize("key", ["email", "mail", "groups", "first_name", "iat", "sub", "jti"])
def test_attributes_cannot_replace_claims(unsaved: User, configure: Configure, key: str) -> None:
    configure(CLAIM_NAMES={"email": "mail"}, USER_ATTRIBUTES=lambda user, request: {key: "x"})
    with pytest.raises(InvalidClaim, match=key):
        build(unsaved)


def test_claim_names(unsaved: User, configure: Configure) -> None:
    configure(
        CLAIM_NAMES={
            "email": "mail",
            "first_name": "given",
            "groups": "roles",
            "tenant": "org",
            "tenant_attributes": "org.attributes",
        },
        GROUP_MAPPING=lambda user, request: ["Sales"],
        TENANT=lambda user, request: "acme",
        TENANT_ATTRIBUTES=lambda user, request: {"plan": "pro"},
    )
    assert build(unsaved) == {
        "mail": "ada@example.com",
        "given": "Ada",
        "roles": ["Sales"],
        "org": "acme",
        "org.attributes": {"plan": "pro"},
    }


# Tenants


def tenant_claims(user: User, configure: Configure, tenant: object) -> dict[str, Any]:
    configure(TENANT=lambda user, request: tenant)
    return {name: value for name, value in build(user).items() if name.startswith("@")}


@pytest.mark.parametrize(("tenant", "slug"), [("acme", "acme"), (42, "42"), (Team.SALES, "Sales")])
def test_tenant(unsaved: User, configure: Configure, tenant: object, slug: str) -> None:
    assert tenant_claims(unsaved, configure, tenant) == {"@tenant": slug}


def test_internal_users_have_no_tenant(unsaved: User, configure: Configure) -> None:
    configure(TENANT_ATTRIBUTES=lambda user, request: {"plan": "pro"})
    assert tenant_claims(unsaved, configure, INTERNAL) == {}


@pytest.mark.parametrize("tenant", [None, "", " "])
def test_a_customer_without_a_tenant_is_refused(
    unsaved: User, configure: Configure, tenant: object
) -> None:
    with pytest.raises(AccessRefused) as caught:
        tenant_claims(unsaved, configure, tenant)
    assert caught.value.code == "no-tenant"
    assert caught.value.message == "Your account does not belong to a tenant."


@pytest.mark.parametrize(
    ("tenant", "words"),
    [
        (True, "'@tenant': TENANT returned bool. It must return str, int or"),
        (1.0, "'@tenant': TENANT returned float. It must return str, int or"),
        (["acme"], "'@tenant': TENANT returned list. It must return str, int or"),
        (object(), "'@tenant': TENANT returned object. It must return str, int or"),
        ("a\n", "'tenant': contains a control character"),
        pytest.param(10**5000, "'tenant': a number must be finite", id="huge"),
    ],
)
def test_no_slug(unsaved: User, configure: Configure, tenant: object, words: str) -> None:
    with pytest.raises(InvalidClaim, match=f"^Claim {words}"):
        tenant_claims(unsaved, configure, tenant)


def test_tenants_are_those_of_the_user_and_the_request(
    unsaved: User, configure: Configure, rf: RequestFactory
) -> None:
    request = rf.get("/")
    seen: list[tuple[object, ...]] = []

    def note(*args: object) -> dict[str, object]:
        seen.append(args)
        return {}

    configure(TENANT=lambda *args: f"acme{note(*args)}", TENANT_ATTRIBUTES=note)
    assert build(unsaved, request)["@tenant"] == "acme{}"
    assert seen == [(unsaved, request)] * 2


def test_tenant_attributes_that_are_no_mapping(unsaved: User, configure: Configure) -> None:
    configure(TENANT_ATTRIBUTES=lambda user, request: ["pro"])
    with pytest.raises(InvalidClaim, match=r"^Claim 'TENANT_ATTRIBUTES': returned list"):
        tenant_claims(unsaved, configure, "acme")


@pytest.mark.parametrize(
    ("values", "sent"), [({"plan": "pro", "seats": 3}, {"plan": "pro", "seats": "3"}), ({}, {})]
)
def test_tenant_attributes(
    unsaved: User, configure: Configure, values: object, sent: object
) -> None:
    configure(TENANT_ATTRIBUTES=lambda user, request: values)
    claims = tenant_claims(unsaved, configure, "acme")
    assert claims == {"@tenant": "acme", "@tenant.attributes": sent}


def test_no_tenant_attributes(unsaved: User, configure: Configure) -> None:
    configure(TENANT_ATTRIBUTES=lambda user, request: None)
    assert tenant_claims(unsaved, configure, "acme") == {"@tenant": "acme"}


def test_tenant_attributes_alone_send_nothing(unsaved: User, configure: Configure) -> None:
    configure(TENANT_ATTRIBUTES=lambda user, request: {"plan": "pro"})
    assert build(unsaved) == {"email": "ada@example.com", "first_name": "Ada"}
