// Does what Metabase's SDK does, and shows each step: gets a token from the endpoint, exchanges it
// for a Metabase session, and asks Metabase for the account.
const show = (id, text) => { document.getElementById(id).textContent = text; };
const pretty = (data) => JSON.stringify(data, null, 2);
const page = document.currentScript.dataset;

function claimsOf(token) {
  const part = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
  const bytes = Uint8Array.from(atob(part), (char) => char.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

async function run() {
  for (const id of ["answer", "claims", "session", "account"]) show(id, "…");
  const response = await fetch(`${page.sso}?response=json`, { credentials: "include" });
  const answer = await response.json();
  show("status", response.status);
  if (!response.ok) {
    show("answer", pretty(answer));
    for (const id of ["claims", "session", "account"]) show(id, "—");
    return;
  }
  show("answer", pretty({ jwt: `${answer.jwt.slice(0, 24)}… (${answer.jwt.length} characters)` }));
  show("claims", pretty(claimsOf(answer.jwt)));
  const headers = { "X-Metabase-Client": "embedding-sdk-react" };
  const exchange = await fetch(`${page.metabase}/auth/sso`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({ jwt: answer.jwt }),
  });
  const session = await exchange.json();
  show("session", pretty({ ...session, ...(session.id && { id: `${session.id.slice(0, 8)}…` }) }));
  if (!session.id) { show("account", "—"); return; }
  const account = await fetch(`${page.metabase}/api/user/current`, {
    headers: { ...headers, "X-Metabase-Session": session.id },
  });
  show("account", pretty(await account.json()));
}

const start = () => run().catch((error) => show("account", `The request failed or was blocked: ${error.message}`));
document.getElementById("run").addEventListener("click", start);
start();
