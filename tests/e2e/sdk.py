"""The published SDK, taken from the npm registry and bundled with a page. Nothing is committed."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

from tests.helpers.markdown import block, blocks

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WORKSHOP = ROOT / ".e2e"
PACKAGE = "@metabase/embedding-sdk-react"
# Both contain the whole SDK; 0.57 and newer load it from a Metabase.
VERSIONS = ("0.56.3", "0.55.5")
TOOLS = (
    "@hotwired/turbo@8.0.23",
    "esbuild@0.25.10",
    "htmx.org@2.0.4",
    "react@18.3.1",
    "react-dom@18.3.1",
    "vue@3.5.13",
)
PAGE = '<!DOCTYPE html><title>Page</title><div id="root"></div><p id="result"></p>{script}'


def build_pages() -> Path:
    """Return the folder with a page for each version of the SDK: `0.56.3.html` and so on."""
    pages = WORKSHOP / "pages"
    install_tools()
    pages.mkdir(exist_ok=True)
    (WORKSHOP / "MetabaseForUser.jsx").write_text(block("jsx", "// MetabaseForUser.jsx\n"))
    (WORKSHOP / "bearer.js").write_text(bearer_module())
    (WORKSHOP / "app.jsx").write_text((HERE / "app.jsx").read_text())
    for version in VERSIONS:
        bundle(version, WORKSHOP / "app.jsx", pages / f"{version}.js")
        page = PAGE.format(script=f'<script src="{version}.js"></script>')
        (pages / f"{version}.html").write_text(page)
    return pages


def bearer_module() -> str:
    """Return a module with the documented configuration for a bearer token, as a function."""
    found = blocks("js", "docs/bearer-tokens.md")
    [code] = [code for code in found if code.startswith("defineMetabaseAuthConfig")]
    code = code.strip().removesuffix(";")
    code = code.replace('"https://metabase.example.com"', "instanceUrl")
    code = code.replace('"https://your-site.example.com/sso/metabase?response=json"', "ssoUrl")
    assert "example.com" not in code
    return (
        f'import {{ defineMetabaseAuthConfig }} from "{PACKAGE}";\n'
        f"export const bearerConfig = (instanceUrl, ssoUrl, accessToken) => {code};\n"
    )


def install_tools() -> None:
    """Install the bundler and React, once."""
    WORKSHOP.mkdir(exist_ok=True)
    marker = WORKSHOP / "tools.txt"
    wanted = " ".join(TOOLS)
    if marker.is_file() and marker.read_text() == wanted:
        return
    (WORKSHOP / "package.json").write_text("{}")
    options = ["--no-package-lock", "--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
    npm("install", *options, *TOOLS)
    marker.write_text(wanted)


def bundle(version: str, source: Path, target: Path, **environment: str) -> None:
    """Bundle a page with one version of the SDK; `environment` is what `process.env` has."""
    entry = unpacked(version) / "dist/main.bundle.js"
    command = [
        str(WORKSHOP / "node_modules/.bin/esbuild"),
        str(source),
        "--bundle",
        "--format=iife",
        "--platform=browser",
        "--jsx=automatic",
        "--log-level=error",
        "--define:global=globalThis",
        '--define:process.env.NODE_ENV="production"',
        *(f"--define:process.env.{name}={code}" for name, code in environment.items()),
        f"--alias:{PACKAGE}={entry}",
        *(f"--external:{name}" for name in ("canvg", "dompurify", "util")),
        f"--outfile={target}",
    ]
    subprocess.run(command, check=True, capture_output=True)


def unpacked(version: str) -> Path:
    """Return the folder of one version of the SDK; fetch and unpack it, once."""
    folder = WORKSHOP / version
    if not (folder / "package/dist/main.bundle.js").is_file():
        npm("pack", "--silent", f"{PACKAGE}@{version}")
        archive = WORKSHOP / f"metabase-embedding-sdk-react-{version}.tgz"
        with tarfile.open(archive) as tar:
            members = [member for member in tar if not member.name.endswith(".map")]
            tar.extractall(folder, members=members, filter="data")
        archive.unlink()
    return folder / "package"


def parse(code: str) -> None:
    """Let the bundler read a piece of JavaScript; CalledProcessError when it is none."""
    install_tools()
    command = [str(WORKSHOP / "node_modules/.bin/esbuild"), "--loader=jsx", "--log-level=error"]
    subprocess.run(command, input=code.encode(), check=True, capture_output=True)


def npm(*arguments: str, folder: Path = WORKSHOP) -> None:
    """Run npm in the workshop, or in a folder of it."""
    subprocess.run(["npm", *arguments], cwd=folder, check=True, capture_output=True)
