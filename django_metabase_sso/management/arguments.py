"""The arguments of `setup`, `sync` and `end-sessions`. They work without the extra `client`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Final

from django.core.management.base import CommandParser

from django_metabase_sso.conf.addresses import parse_origin


def add_setup(parser: CommandParser) -> None:
    """Add the arguments of `setup`."""
    parser.add_argument(
        "--site",
        type=_site,
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
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_end_sessions(parser: CommandParser) -> None:
    """Add the arguments of `end-sessions`."""
    parser.add_argument("user", help="e-mail address, username or primary key (pk=7)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _site(text: str) -> str:
    try:
        origin = parse_origin(text.rstrip("/"))
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} {error}") from None
    if origin.wildcard:
        raise ArgumentTypeError("the site must be one origin, without a *")
    return origin.text


def _count(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a number of accounts")


ARGUMENTS: Final = {
    "setup": (
        "compare Metabase's settings with those that this site needs, and write them",
        add_setup,
    ),
    "sync": ("find Metabase accounts whose Django user is inactive or gone", add_sync),
    "end-sessions": ("end all sessions of a user in Metabase", add_end_sessions),
}
