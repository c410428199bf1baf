"""Sphinx: `make docs` builds these pages, with warnings as errors.

The pages and the files at the top of the repository are also read on GitHub, so they link to each
other as files. This module turns such a link into a link to the page of the site with that text.
"""

from __future__ import annotations

import posixpath
import re
import sys
from importlib.metadata import metadata
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from pygments.lexer import inherit
from pygments.lexers.javascript import JavascriptLexer
from pygments.lexers.templates import HtmlDjangoLexer
from pygments.token import Punctuation
from sphinx import addnodes
from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from django_metabase_sso import __version__  # noqa: E402

project = "django-metabase-sso"
author = "The django-metabase-sso developers"
release = version = __version__
project_copyright = author
repository = next(
    url.removeprefix("Source, ")
    for url in metadata(project).get_all("Project-URL", [])
    if url.startswith("Source, ")
)
extensions = ["myst_parser", "sphinx_copybutton"]
html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {
    "source_edit_link": f"{repository}/edit/main/docs/{{filename}}",
    "footer_icons": [{"name": "Source", "url": repository, "html": "Source", "class": ""}],
}
copybutton_prompt_text = "$ "
myst_heading_anchors = 4
nitpicky = True
smartquotes = False  # messages and settings are copied from the pages

FILES = {
    "README.md": "/index.md",
    "CHANGELOG.md": "/changelog.md",
    "CONTRIBUTING.md": "/development/contributing.md",
    "SECURITY.md": "/security.md#how-to-report-a-problem",
    "benchmarks/README.md": "/development/benchmarks.md",
}


class JSXLexer(JavascriptLexer):
    """JavaScript with elements in it, whose ends are not the beginnings of patterns."""

    tokens: ClassVar = {"root": [(r"</|/>", Punctuation), inherit]}


def page_of(link: str, source: str) -> str:
    """Return where a link in a file of this repository leads on this site."""
    name, _, heading = link.partition("#")
    if not name or "://" in name:
        return link
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), name))
    page = FILES.get(target, f"/{target.removeprefix('docs/')}")
    return f"{page}#{heading}".rstrip("#")


def turn_links(text: str, source: str) -> str:
    """Return a file's text with its links turned to this site."""
    return re.sub(r"\]\(([^)\s]+)\)", lambda found: f"]({page_of(found[1], source)})", text)


def read_page(app: Sphinx, name: str, content: list[str]) -> None:
    """Receive `source-read`."""
    content[0] = turn_links(content[0], f"docs/{name}.md")


def read_included(app: Sphinx, path: Path, parent: str, content: list[str]) -> None:
    """Receive `include-read`; `path` is as seen from this folder."""
    content[0] = turn_links(content[0], posixpath.normpath(f"docs/{path.as_posix()}"))


def add_index_entries(app: Sphinx, document: nodes.document) -> None:
    """Receive `doctree-read`: make the search find statuses, settings and check ids.

    The search ignores numbers, except in the index, and prefers the index to the text.
    """
    for section in document.findall(nodes.section):
        found = re.findall(r"^\d{3}\b|^[A-Z_]+$", section[0].astext())
        if app.env.docname == "checks":
            cells = [row[0].astext() for row in section.findall(nodes.row)]
            found += [cell.rpartition(".")[2] for cell in cells if re.search(r"[EW]\d", cell)]
        entries = [("single", entry, section["ids"][0], "main", None) for entry in found]
        section.insert(1, addnodes.index(entries=entries))


def setup(app: Sphinx) -> None:
    """Connect the functions, and colour the languages that Pygments has no name for."""
    app.add_lexer("jsx", JSXLexer)
    app.add_lexer("vue", HtmlDjangoLexer)
    app.connect("source-read", read_page)
    app.connect("include-read", read_included)
    app.connect("doctree-read", add_index_entries)
