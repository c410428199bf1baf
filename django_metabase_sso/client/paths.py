"""Which paths of the instance may be asked, and nothing outside of it."""

from __future__ import annotations

from urllib.parse import unquote

DEEPEST = 5  # how often a path may be percent-encoded over


def check_path(path: str) -> str:
    """Return `path` unless it could lead anywhere but below the instance's address.

    It begins with exactly one `/`; a query may follow. ValueError says what is wrong: another
    host, `.` and `..` segments however they are encoded, backslashes, control characters, `#`.
    """
    if not path.startswith("/") or path.startswith("//"):
        raise ValueError("the path must begin with exactly one '/', as in '/api/dashboard'")
    if "#" in path or "\\" in path or not path.isprintable():
        raise ValueError("the path has a '#', a backslash or a control character")
    decoded = path.partition("?")[0]
    for _ in range(DEEPEST):
        _check_decoded(decoded)
        before, decoded = decoded, unquote(decoded)
        if before == decoded:
            return path
    raise ValueError("the path is percent-encoded too many times over")


def _check_decoded(path: str) -> None:
    if "\\" in path or not path.isprintable():
        raise ValueError("the path has an encoded backslash or control character")
    # Java servers cut what follows a semicolon off before they look at the dots.
    if {".", ".."} & {segment.partition(";")[0] for segment in path.split("/")}:
        raise ValueError("the path has a '.' or '..' segment")
