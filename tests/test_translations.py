"""The texts that people see, in their language; codes, logs and what programs compare, in ours."""

from __future__ import annotations

import ast
import cProfile
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize
from pytest_django import Settings

import django_metabase_sso
from django_metabase_sso.access import check_access
from django_metabase_sso.exceptions import AccessRefused
from tests.helpers.configure import Configure
from tests.helpers.guests import post
from tests.helpers.sso import FETCH, NAVIGATION, URL
from tests.helpers.tokens import token_of
from tests.settings import EMBEDDING_SECRET

PACKAGE = Path(django_metabase_sso.__file__).parent
CATALOGUES = sorted(PACKAGE.glob("locale/*/LC_MESSAGES/django.po"))
LANGUAGES = {"de": "Bitte", "es": "Inicie", "fr": "Veuillez", "pt": "Inicie"}
INACTIVE = {
    "de": "Ihr Konto ist deaktiviert.",
    "es": "Su cuenta está desactivada.",
    "fr": "Votre compte est désactivé.",
    "pt": "A sua conta está desativada.",
}
MARKS = ("_", "gettext", "gettext_lazy", "gettext_noop", "pgettext")
Message = tuple[str, ...]  # the text, with its context before it where it has one


def marked_texts(source: str) -> Iterator[Message]:
    """Find what xgettext would: calls of gettext's functions with literal strings."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", "") in MARKS
            and not isinstance(node.args[0], ast.Name)  # a string that gettext_noop has marked
        ):
            yield tuple(ast.literal_eval(argument) for argument in node.args)


def texts() -> set[Message]:
    found: set[Message] = set()
    for file in PACKAGE.rglob("*.py"):
        found.update(marked_texts(file.read_text()))
    for file in PACKAGE.rglob("*.html"):
        calls = re.findall(r"\bp?gettext\([^)]*\)", templatize(file.read_text()))
        found.update(marked_texts("\n".join(calls)))
    return found


def key(entry: polib.POEntry | polib.MOEntry) -> Message:
    return (entry.msgctxt, entry.msgid) if entry.msgctxt else (entry.msgid,)


def test_languages() -> None:
    assert [file.parts[-3] for file in CATALOGUES] == list(LANGUAGES)


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.parts[-3])
def test_catalogues_are_complete_and_compiled(file: Path) -> None:
    catalogue = polib.pofile(str(file))
    assert {key(entry) for entry in catalogue} == texts()
    for entry in catalogue:
        assert entry.msgstr
        assert not entry.fuzzy
        assert not entry.obsolete
        placeholders = re.findall(r"%\(\w+\)s", entry.msgid)
        assert re.findall(r"%\(\w+\)s", entry.msgstr) == placeholders
    compiled = polib.mofile(str(file.with_suffix(".mo")))
    assert {key(entry): entry.msgstr for entry in compiled} == {
        key(entry): entry.msgstr for entry in catalogue
    }, "run: make messages"


@pytest.fixture
def in_any_language(settings: Settings) -> Iterator[None]:
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware", *settings.MIDDLEWARE]
    with translation.override("en"):  # the middleware leaves the last request's language behind
        yield


@pytest.mark.usefixtures("in_any_language")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_for_somebody_refused(
    signed_in: Client, configure: Configure, language: str
) -> None:
    configure(ACCESS_POLICY=lambda user, request: False)
    english = signed_in.get(URL, headers=NAVIGATION).content.decode()
    page = signed_in.get(URL, headers={**NAVIGATION, "Accept-Language": language})
    assert page.status_code == 403
    content = page.content.decode()
    assert f'<html lang="{language}">' in content
    assert "<small>policy</small>" in content
    lines = re.findall(r"<(?:title|h1|p)[^>]*>(?!<)(.*)<", english)
    assert len(lines) == 3
    assert not [line for line in lines if line in content]


@pytest.mark.usefixtures("in_any_language")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_in_a_frame(client: Client, language: str) -> None:
    headers = {**NAVIGATION, "Accept-Language": language, "Sec-Fetch-Dest": "iframe"}
    page = client.get(URL, headers=headers)
    assert page.status_code == 401
    assert f'<h1 dir="auto">{LANGUAGES[language]}' in page.content.decode()


@pytest.mark.usefixtures("in_any_language")
def test_the_page_for_a_bad_return_to(signed_in: Client) -> None:
    headers = {**NAVIGATION, "Accept-Language": "de"}
    page = signed_in.get(f"{URL}?return_to=//evil.example", headers=headers).content.decode()
    assert "die nicht erlaubt ist. Sie beginnt nicht mit genau einem Schrägstrich.</p>" in page
    assert ">Zur Startseite von Metabase</a>" in page


@pytest.mark.usefixtures("in_any_language")
@pytest.mark.parametrize(
    ("asked", "found"), [("pt-br", "pt"), ("de-at", "de"), ("it", "en"), ("en-gb", "en")]
)
def test_the_page_says_which_language_it_is_in(client: Client, asked: str, found: str) -> None:
    headers = {**NAVIGATION, "Accept-Language": asked, "Sec-Fetch-Dest": "iframe"}
    assert f'<html lang="{found}">' in client.get(URL, headers=headers).content.decode()


@pytest.mark.usefixtures("in_any_language")
@pytest.mark.parametrize("language", LANGUAGES)
def test_programs_get_the_same_text(
    signed_in: Client, configure: Configure, language: str
) -> None:
    configure(TENANT=lambda user, request: None)
    answer = signed_in.get(FETCH, headers={"Accept-Language": language})
    assert answer.json()["code"] == "no-tenant"
    with translation.override(language):
        message = translation.gettext("Your account does not belong to a tenant.")
    assert answer.json()["message"] == message != "Your account does not belong to a tenant."


@pytest.mark.parametrize("language", LANGUAGES)
def test_outside_a_request(ada: User, language: str) -> None:
    ada.is_active = False
    with translation.override(language), pytest.raises(AccessRefused) as refused:
        check_access(ada)
    assert refused.value.message == INACTIVE[language]


@pytest.mark.usefixtures("in_any_language")
@pytest.mark.django_db
def test_the_log_stays_english(
    client: Client, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    nothing = {"GUEST_PARAMS": lambda request, kind, number, context: None}
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, **nothing)
    answer = post(client, headers={"Accept-Language": "de"})
    assert answer.json()["message"] == "Sie dürfen dieses Dashboard nicht sehen."
    assert "You are not allowed to see this dashboard. (guest-refused)" in caplog.text


def translated(client: Client, url: str) -> int:
    """Count the calls of gettext during a request."""
    profile = cProfile.Profile()
    profile.runcall(client.get, url, headers=NAVIGATION)
    codes = [(entry.code, entry.callcount) for entry in profile.getstats()]
    return sum(count for code, count in codes if getattr(code, "co_name", "") == "gettext")


def test_a_granted_token_translates_nothing(signed_in: Client, configure: Configure) -> None:
    configure(ACCESS_POLICY=lambda user, request: True, TENANT=lambda user, request: "acme")
    assert token_of(signed_in.get(FETCH))
    assert translated(signed_in, FETCH) == 0
    assert translated(signed_in, URL) == 0
    assert translated(signed_in, f"{URL}?return_to=//evil.example") > 0
