"""The Vue of docs/front-ends.md, compiled by Vue's own compiler and bundled with a page."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.e2e.sdk import WORKSHOP, install_tools
from tests.helpers.markdown import block, blocks

COMPILE = """
import { readFileSync, writeFileSync } from "node:fs";
import { parse, compileScript } from "vue/compiler-sfc";
const [, , source, target] = process.argv;
const config = readFileSync("vite.config.js", "utf8");
const [, body] = config.match(/const isCustomElement = (.*);/);
const templateParseOptions = { isCustomElement: eval(body) };
const { descriptor, errors } = parse(readFileSync(source, "utf8"), { templateParseOptions });
if (errors.length) throw errors[0];
const compiled = compileScript(descriptor, { id: "page", inlineTemplate: true });
writeFileSync(target, compiled.content);
"""
MAIN = """
import { createApp, h } from "vue";
import SalesDashboard from "./SalesDashboard.js";
const instanceUrl = new URLSearchParams(window.location.search).get("instance");
createApp({ render: () => h(SalesDashboard, { instanceUrl, dashboardId: 1 }) }).mount("#app");
"""
PAGE = '<!DOCTYPE html><title>Vue</title><div id="app"></div><script src="vue.js"></script>'


def build_vue_page(folder: Path) -> None:
    """Put `index.html` and `vue.js` into a folder. CalledProcessError when it does not compile."""
    install_tools()
    work = WORKSHOP / "vue"
    work.mkdir(exist_ok=True)
    [component] = blocks("vue")
    (work / "SalesDashboard.vue").write_text(component)
    for name in ("metabase.js", "vite.config.js"):
        (work / name).write_text(block("js", f"// {name}"))
    (work / "compile.mjs").write_text(COMPILE)
    (work / "main.js").write_text(MAIN)
    run(work, "node", "compile.mjs", "SalesDashboard.vue", "SalesDashboard.js")
    options = ["--bundle", "--format=iife", "--log-level=error"]
    options += ['--define:process.env.NODE_ENV="development"', f"--outfile={folder / 'vue.js'}"]
    run(work, str(WORKSHOP / "node_modules/.bin/esbuild"), "main.js", *options)
    (folder / "index.html").write_text(PAGE)


def run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
