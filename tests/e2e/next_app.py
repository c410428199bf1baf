"""The Next.js of docs/front-ends.md, with the real `next/dynamic` and SDK."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.sdk import VERSIONS, WORKSHOP, bundle, install_tools, npm
from tests.helpers.markdown import blocks

NEXT = "next@15.5.6"
ENTRY = """import { createRoot } from "react-dom/client";
import Page from "./%s";
createRoot(document.getElementById("root")).render(<Page />);
"""
# What is public in the environment of a build: here, globals from the address of the page.
PAGE = """<!DOCTYPE html><title>Next</title><div id="root"></div>
<script>
  const query = new URLSearchParams(window.location.search);
  window.instanceUrl = query.get("instance");
  window.ssoUrl = query.get("sso");
</script>
<script src="next.js"></script>
"""
PAGES = {"app": "app/dashboard/page.jsx", "pages": "pages/dashboard.jsx"}


def write_project(folder: Path) -> None:
    """Write the blocks that begin with a name of a file, each where its name says."""
    for code in blocks("jsx"):
        found = re.match(r"// (\S+\.jsx)\n", code)
        if found:
            # The wrapper stands beside the component that imports it.
            name = found[1] if "/" in found[1] else f"components/{found[1]}"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(code)


def build_next_page(router: str, folder: Path) -> None:
    """Put `index.html` and `next.js` into a folder: the page of one of the two routers."""
    install_tools()
    work = WORKSHOP / "next"
    if not (work / "node_modules/next/dynamic.js").is_file():
        work.mkdir(exist_ok=True)
        (work / "package.json").write_text("{}")
        # Without the compiler, and with the React of the workshop.
        options = ["--omit=optional", "--legacy-peer-deps", "--no-package-lock", "--silent"]
        npm("install", *options, "--ignore-scripts", "--no-audit", "--no-fund", NEXT, folder=work)
    write_project(work)
    entry = work / f"{router}.jsx"
    entry.write_text(ENTRY % PAGES[router])
    (folder / "index.html").write_text(PAGE)
    names = {"NEXT_PUBLIC_METABASE_URL": "instanceUrl", "NEXT_PUBLIC_SSO_URL": "ssoUrl"}
    bundle(VERSIONS[0], entry, folder / "next.js", **names)
