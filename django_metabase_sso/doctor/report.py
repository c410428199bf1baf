"""Collects the doctor's findings, and shows each as soon as it is found."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType
from typing import Concatenate, Final, Literal, ParamSpec, TypeVar

from django.core.exceptions import ImproperlyConfigured

import django_metabase_sso
from django_metabase_sso.checks.settings import check_callables
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.settings import SETTINGS
from django_metabase_sso.exceptions import BadSetting, CallableFailed, MetabaseSSOError

Level = Literal["ok", "warning", "fault", "skipped"]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# The codes of the findings, which never change, and the words after "Not checked". Other codes are
# the ids of system checks, and `network-...` for a server that cannot be reached.
SUBJECTS: Final = {
    "settings": "the settings",
    "secret-length": "the length of JWT_SHARED_SECRET",
    "instance": "the Metabase instance",
    "edition": "the edition of Metabase",
    "clock": "the clocks",
    "embedding-secret": "the embedding secret key",
    "site-url": "Metabase's site URL",
    "sso": "whether JWT sign-in is on",
    "embedding": "whether modular embedding is on",
    "method": "how front ends are told to sign in",
    "identity-provider": "the JWT Identity Provider URI",
    "secret": "whether Django and Metabase have the same secret",
    "tenants": "whether tenants are switched on in Metabase",
    "groups": "whether Metabase knows the groups that are sent",
    "setup": "the settings of Metabase",
    "end-access": "whether sessions can be ended in this version of Metabase",
    "exchange": "signing the user in",
    "endpoint": "the sign-in endpoint of this site",
    "session": "the session store",
    "cookie": "the session cookie",
    "cache": "proxies and caches in front of the sign-in endpoint",
    "static": "the script of {% metabase_config %}",
    "cors": "CORS and cookies of the pages that embed",
    "metabase-cors": "whether pages may read Metabase's answers (CORS)",
    "our-cors": "whether pages may read the token (CORS)",
    "frame": "full-app frames",
}


@dataclass(frozen=True)
class Finding:
    """The result of one check. `code` is for programs, and the rest is for people.

    Warnings and faults have a `cause` and a `cure`. The cause of a skipped step is the reason. The
    cause of an "ok" is a note, for example about an assumption.
    """

    level: Level
    code: str
    title: str
    cause: str = ""
    cure: str = ""


class Problem(Exception):
    """A fault that ends a step."""

    def __init__(self, code: str, title: str, *, cause: str, cure: str) -> None:
        super().__init__(code)
        self.finding = Finding("fault", code, title, cause, cure)


class Report:
    """The findings so far. `show` is called with each finding."""

    def __init__(self, show: Callable[[Finding], object]) -> None:
        self.findings: list[Finding] = []
        self._show = show
        self._later: list[tuple[str, Finding]] = []
        self._raised: set[tuple[type, str]] = set()

    def add(self, finding: Finding) -> None:
        """Report a finding."""
        self.findings.append(finding)
        self._show(finding)

    def ok(self, code: str, title: str, cause: str = "") -> None:
        self.add(Finding("ok", code, title, cause))

    def warning(self, code: str, title: str, *, cause: str, cure: str) -> None:
        self.add(Finding("warning", code, title, cause, cure))

    def fault(self, code: str, title: str, *, cause: str, cure: str) -> None:
        self.add(Finding("fault", code, title, cause, cure))

    def skipped(self, code: str, because: str, detail: str = "") -> None:
        """Report that a step was skipped. `because` is a sentence; `detail` says for what."""
        self.add(Finding("skipped", code, f"Not checked: {SUBJECTS[code]}{detail}.", because))

    def has(self, code: str, *levels: Level) -> bool:
        """Return whether there is a finding with this code and level (by default, a fault)."""
        wanted = levels or ("fault",)
        return any(found.code == code and found.level in wanted for found in self.findings)

    def faulty_settings(self) -> str:
        """Return the id of the first system check that found an error, or ""."""
        faults = (found.code for found in self.findings if found.level == "fault")
        return next((code for code in faults if code.startswith("metabase_sso.E")), "")

    def later(self, code: str, finding: Finding) -> None:
        """Keep a finding that the step with this code may replace with a more exact one."""
        self._later.append((code, finding))

    def finish(self) -> None:
        """Report the findings that were kept and not replaced."""
        for code, finding in self._later:
            if not any(self.has(one, "fault", "warning") for one in (code, finding.code)):
                self.add(finding)

    def _held(self, check: str, code: str) -> Finding | None:
        """Return the finding of a check that is kept for the step with this code."""
        held = (found for step, found in self._later if (step, found.code) == (code, check))
        return next(held, None)

    def step(
        self,
        code: str,
        function: Callable[Concatenate[Report, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result | None:
        """Run a step. If it raises an exception, report it once, so that the next step can run."""
        try:
            return function(self, *args, **kwargs)
        except Problem as problem:
            self.add(problem.finding)
        except Exception as error:  # noqa: BLE001
            self._failed(code, error)
        return None

    def _failed(self, code: str, error: Exception) -> None:
        key = (type(error), str(error))
        without_login = self._held("metabase_sso.W023", code)
        if without_login and isinstance(error, ImproperlyConfigured):
            self.add(replace(without_login, level="fault"))
        elif isinstance(error, BadSetting):
            check = error.check_id
            if self.has(check):
                self.skipped(code, f"The setting has to be corrected first: see {check} above.")
            else:
                self.fault(check, error.message, cause=CANNOT_WORK, cure=error.hint)
        elif code in NEED_A_SECRET and self.has("metabase_sso.E020"):
            self.skipped(code, "A callable raised an exception: see metabase_sso.E020 above.")
        elif key in self._raised:
            if not self.has(code):
                self.skipped(code, f"It needs the code that raised {key[0].__name__} above.")
        else:
            self._raised.add(key)
            title = f"An error ended the check of {SUBJECTS[code]}: {type(error).__name__}."
            cure = "Correct that code or its setting, and run the doctor again."
            self.fault(code, title, cause=what_raised(error), cure=cure)


# The steps that call a callable for a secret or a key, as a system check did before.
NEED_A_SECRET: Final = {"secret-length", "embedding-secret", "tenants", "groups", "setup"}
CANNOT_WORK: Final = "No token can be signed with this value."
CALLABLES: Final = [key for key, setting in SETTINGS.items() if setting.arguments]
INSTALLED: Final = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))
PACKAGE: Final = str(Path(django_metabase_sso.__file__).parent)


def what_raised(error: BaseException) -> str:
    """Return a sentence about an error: the setting whose callable raised it, and where.

    If a TypeError was not raised in the project's code, a callable may have the wrong arguments.
    Only messages of this package are included, because others could contain a secret.
    """
    if isinstance(error, CallableFailed) and error.__cause__:
        error = error.__cause__
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    codes = [code for code, _ in frames]
    setting = next((key for key in CALLABLES if _code_of(key) in codes), "")
    who = f"METABASE_SSO[{setting!r}] raised" if setting else "Exception:"
    said = f"{who} {type(error).__name__}"
    is_ours = isinstance(error, ImproperlyConfigured) and _is_in(codes[-1], PACKAGE)
    if is_ours or isinstance(error, MetabaseSSOError):
        return f"{said}: {error}"
    own = [entry for entry in frames if not _is_in(entry[0], *INSTALLED, PACKAGE, "<")]
    if not own:
        misfits = check_callables() if isinstance(error, TypeError) else []
        return f"{misfits[0].msg} {misfits[0].hint}" if misfits else f"{said}."
    code, line = own[-1]
    return f"{said} in {code.co_name}() ({code.co_filename}, line {line})."


def _is_in(code: CodeType, *places: str) -> bool:
    return code.co_filename.startswith(places)


def _code_of(key: str) -> CodeType | None:
    """Return the code of the callable in a setting, if it is written in Python."""
    try:
        function = getattr(conf, key)
    except BadSetting:
        return None
    function = getattr(function, "func", function)  # of functools.partial
    code: CodeType | None = getattr(function, "__code__", None)
    return code or getattr(type(function).__call__, "__code__", None)
