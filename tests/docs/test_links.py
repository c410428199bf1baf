"""Links and pictures lead somewhere."""

from __future__ import annotations

import pytest

from tests.helpers.markdown import PAGES, Page
from tests.helpers.paths import ROOT

SITES = ("https://", "http://")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page: Page) -> None:
    anchors = {other.path: other.anchors for other in PAGES}
    for link in page.links:
        if link.startswith(SITES):
            continue
        name, _, anchor = link.partition("#")
        target = (page.path.parent / name).resolve() if name else page.path
        assert target.is_file(), link
        assert not anchor or anchor in anchors[target], link


def test_pictures() -> None:
    """Each is shown by a page, and small."""
    shown = {(page.path.parent / link).resolve() for page in PAGES for link in page.links}
    for picture in (ROOT / "docs/images").iterdir():
        assert picture in shown
        assert picture.stat().st_size < 120_000
