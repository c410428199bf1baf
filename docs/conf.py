"""Sphinx: `make docs` builds these pages, with warnings as errors.

README.md and the files beside it are read on GitHub as well, so they and the pages link to each
other as files. Here such links are turned to the page of this site that has the same text.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import ClassVar

from pygments.lexer import inherit
from pygments.lexers.javascript import JavascriptLexer
from pygments.lexers.templates import HtmlDjangoLexer
from pygments.token import Punctuation
from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from django_metabase_sso import __version__  # noqa: E402

project = "django-metabase-sso"
author = "The django-metabase-sso developers"
release = version = __version__
extensions = ["myst_parser"]
html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
myst_heading_anchors = 4
nitpicky = True

OPTIONAL = {"fuzzing", "faults"}  # in the index where they are there
SECTIONS = {
    "quickstart": "quickstart.md",
    "what-to-set-in-metabase": "quickstart.md#what-to-set-in-metabase",
    "what-the-endpoint-answers": "api.md#what-the-endpoint-answers",
    "settings": "settings.md",
    "groups-attributes-tenants": "groups-and-rows.md",
    "front-ends": "front-ends.md",
    "react-with-metabases-sdk": "front-ends.md#react",
    "separate-domains": "separate-domains.md",
    "sdk-54-and-older": "upgrading.md#sdk-54-and-older",
    "in-code-tokens-signals-your-own-view": "api.md#in-code",
    "when-it-does-not-work": "troubleshooting.md",
    "development": "contributing.md",
}
FILES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md#how-to-report-a-problem",
    "benchmarks/README.md": "benchmarks.md",
}


class JSXLexer(JavascriptLexer):
    """JavaScript with elements in it, whose ends are not the beginnings of patterns."""

    tokens: ClassVar = {"root": [(r"</|/>", Punctuation), inherit]}


def page_of(link: str, source: str) -> str:
    """Return where a link in a file of this repository leads on this site."""
    name, _, heading = link.partition("#")
    if "://" in name or not (name.endswith(".md") or source == "README.md"):
        return link
    target = (
        posixpath.normpath(posixpath.join(posixpath.dirname(source), name)) if name else source
    )
    if target == "README.md" and heading:
        return SECTIONS[heading]
    if target in FILES:
        return FILES[target]
    return f"{target.removeprefix('docs/')}#{heading}".rstrip("#")


def turn_links(text: str, source: str) -> str:
    """Return a file's text with its links turned to this site."""
    return re.sub(r"\]\(([^)\s]+)\)", lambda found: f"]({page_of(found[1], source)})", text)


def read_page(app: Sphinx, name: str, content: list[str]) -> None:
    """Receive `source-read`."""
    if name == "index":
        content[0] = "\n".join(
            line for line in content[0].split("\n") if line not in OPTIONAL - app.env.found_docs
        )
    content[0] = turn_links(content[0], f"docs/{name}.md")


def read_included(app: Sphinx, path: Path, parent: str, content: list[str]) -> None:
    """Receive `include-read`; `path` is as seen from this folder."""
    content[0] = turn_links(content[0], posixpath.normpath(f"docs/{path.as_posix()}"))


def setup(app: Sphinx) -> None:
    """Connect the two, and colour the languages that Pygments has no name for."""
    app.add_lexer("jsx", JSXLexer)
    app.add_lexer("vue", HtmlDjangoLexer)
    app.connect("source-read", read_page)
    app.connect("include-read", read_included)
