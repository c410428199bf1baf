// Draws a component of the stand-in in its frame.
const SVG = "http://www.w3.org/2000/svg";
const page = document.getElementById("page");
let shown = null; // the last message of the page around the frame: what to show, and for whom
let asked = false; // whether a new token was requested after the last one expired

function make(name, text = "", attributes = {}) {
  const element = document.createElement(name);
  element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function shape(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

function draw(chart) {
  const svg = shape("svg", { class: "chart", viewBox: "0 -10 720 276", role: "img" });
  svg.setAttribute("aria-label", "Bars: revenue by month and region");
  for (const [y, value] of chart.lines) {
    svg.append(shape("line", { x1: 46, x2: 720, y1: y, y2: y }));
    svg.append(shape("text", { x: 38, y: y + 4, "text-anchor": "end" }, `$${value}k`));
  }
  for (const bar of chart.bars) {
    const place = { x: bar.x, y: bar.y, width: 34, height: bar.height, fill: bar.colour };
    const rect = shape("rect", { ...place, stroke: "#fff" });
    rect.append(shape("title", {}, bar.label));
    svg.append(rect);
  }
  for (const [x, month] of chart.months) {
    svg.append(shape("text", { x, y: 258, "text-anchor": "middle" }, month));
  }
  return svg;
}

function facts(id, title, values) {
  const line = make("p", "", { id, class: "quiet" });
  const texts = Object.entries(values).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  line.append(make("strong", `${title}: `), texts.join(", ") || "none");
  return line;
}

const PARTS = {
  browser: (data) => {
    const list = make("ul", "", { id: "collections" });
    list.append(...["Our analytics", `${data.who}'s personal collection`].map((name) => make("li", name)));
    return [list];
  },
  metabot: (data) => [make("p", `Hello ${data.who}, what would you like to know?`, { id: "metabot" })],
};

function show(data) {
  const regions = data.chart.totals.map(([name, , revenue]) => `${name} $${revenue}k`).join(", ");
  const figures = [
    make("p", `${data.chart.rows.length} rows; ${regions || "nothing to see"}`, { id: "rows" }),
    draw(data.chart),
  ];
  const parts = PARTS[shown.kind]?.(data) ?? figures;
  if (shown.options["with-title"] !== false) parts.unshift(make("h1", data.title));
  const who = data.who ? `${data.who} (${data.email})` : "a guest without an account";
  parts.push(make("p", `Shown to ${who}`, { id: "who", class: "quiet" }));
  if (data.attributes) parts.push(facts("attributes", "User attributes", data.attributes));
  if (data.parameters) parts.push(facts("parameters", "Locked parameters", data.parameters));
  parts.push(facts("options", "Attributes of the element", shown.options));
  const again = make("button", "Refresh", { id: "refresh", class: "second" });
  again.addEventListener("click", load);
  parts.push(again);
  page.replaceChildren(...parts);
}

function fail(text) {
  page.replaceChildren(make("p", text, { id: "error", role: "alert" }));
}

async function load() {
  if (shown.error) return fail(shown.error);
  const guest = `/api/embed/${shown.kind}/${shown.token}`;
  const headers = {};
  if (shown.session) headers["X-Metabase-Session"] = shown.session;
  if (shown.apiKey) headers["X-API-Key"] = shown.apiKey;
  const answer = await fetch(shown.token ? guest : "/api/standin/item", { headers });
  if (answer.ok) {
    asked = false;
    return show(await answer.json());
  }
  const text = await answer.text();
  if (text.startsWith("Token is expired") && !asked) {
    asked = true; // only once, in case the provider always sends expired tokens
    return window.parent.postMessage({ type: "expired" }, "*");
  }
  asked = false;
  return fail(text);
}

window.addEventListener("message", (event) => {
  if (event.source !== window.parent) return;
  shown = event.data;
  load();
});
window.parent.postMessage({ type: "ready" }, "*");
