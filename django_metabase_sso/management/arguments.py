"""The arguments of the subcommands. They work without the extra `client`."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentTypeError
from typing import Final
from urllib.parse import urlsplit

from django.core.management.base import CommandParser

from django_metabase_sso.conf.addresses import origin_of
from django_metabase_sso.doctor.proxies import parse_proxy


def add_doctor(parser: CommandParser) -> None:
    """Add the arguments of `doctor`."""
    _add_json(parser)
    parser.add_argument(
        "--origin",
        type=origin,
        help="examine CORS and cookies for pages of this origin, such as"
        " https://app.example.com (default: all in ALLOWED_ORIGINS)",
    )
    parser.add_argument(
        "--user", help="sign in to Metabase as this user (e-mail address, username or key)"
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=5.0, help="seconds for each request (default: 5)"
    )
    parser.add_argument(
        "--proxy",
        type=parse_proxy,
        help="send the requests to Metabase through this HTTP proxy, such as"
        " http://proxy.example.com:3128 (default: none, whatever the environment says)",
    )


def add_explain(parser: CommandParser) -> None:
    """Add the arguments of `explain`."""
    _add_user(parser)
    parser.add_argument(
        "--token", action="store_true", help="also print a token, which signs in as the user"
    )


def add_setup(parser: CommandParser) -> None:
    """Add the arguments of `setup`."""
    parser.add_argument(
        "--site",
        type=origin,
        required=True,
        help="the origin of this Django site, such as https://www.example.com",
    )
    parser.add_argument(
        "--embed",
        nargs="+",
        choices=("components", "sdk", "full-app", "guests", "static"),
        default=["components"],
        help="what the pages of this site embed (default: components)",
    )
    parser.add_argument(
        "--sync-groups",
        action="store_true",
        help="turn on group synchronization, which replaces the groups of all users who sign in",
    )
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="KEY",
        help="also write a setting that is not written otherwise, such as site-url",
    )
    parser.add_argument(
        "--replace",
        nargs="+",
        default=[],
        metavar="KEY",
        help="overwrite a secret or an address that another site may use",
    )
    parser.add_argument("--apply", action="store_true", help="write the settings to Metabase")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument(
        "--env", action="store_true", help="print lines for the environment of Metabase"
    )


def add_sync(parser: CommandParser) -> None:
    """Add the arguments of `sync`."""
    parser.add_argument(
        "--unknown",
        action="store_true",
        help="also deactivate accounts without a Django user; use it only if no other site signs"
        " users in to this Metabase",
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="EMAIL", help="consider only these accounts"
    )
    parser.add_argument(
        "--most",
        type=_count,
        default=10,
        help="do nothing if more accounts than this would be deactivated (default: 10)",
    )
    parser.add_argument("--apply", action="store_true", help="deactivate the accounts")
    _add_json(parser)


def _add_user(parser: CommandParser) -> None:
    parser.add_argument("user", help="e-mail address, username or primary key (pk=7)")
    _add_json(parser)


def _add_json(parser: CommandParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for programs")


def add_base_options(parser: CommandParser) -> None:
    """Accept Django's options after the name of the subcommand as well as before it."""
    for option in ("--settings", "--pythonpath"):
        parser.add_argument(option, default=SUPPRESS, help=SUPPRESS)
    for option in ("--traceback", "--no-color", "--force-color"):
        parser.add_argument(option, action="store_true", default=SUPPRESS, help=SUPPRESS)


def origin(text: str) -> str:
    """Return an origin in the form that browsers use. Raises ArgumentTypeError."""
    try:
        parts = urlsplit(text)
        if parts.scheme in {"http", "https"} and parts[2:] in {("", "", ""), ("/", "", "")}:
            return origin_of(parts.scheme, parts.netloc)
    except ValueError:
        pass
    raise ArgumentTypeError(f"{text!r} is not an origin like https://app.example.com")


def _seconds(text: str) -> float:
    """Return a number of seconds that is above 0 and at most an hour."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if 0 < number <= 3600:
        return number
    raise ArgumentTypeError(f"{text!r} is not a number of seconds")


def _count(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a number of accounts")


ARGUMENTS: Final = {
    "doctor": ("examine the settings, Metabase and CORS", add_doctor),
    "explain": ("show which account a user would have in Metabase", add_explain),
    "setup": (
        "compare Metabase's settings with those that this site needs, and write them",
        add_setup,
    ),
    "sync": ("find Metabase accounts whose Django user is inactive or gone", add_sync),
    "end-sessions": ("end all sessions of a user in Metabase", _add_user),
}
