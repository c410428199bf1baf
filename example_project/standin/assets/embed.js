// The stand-in's embed.js: four components, by what Metabase documents of its own. Each draws in a
// frame of the instance; the page around it signs in, and hands the session or the token over.
(() => {
  const config = window.metabaseConfig;
  const instance = config?.instanceUrl;
  const CLIENT = { "X-Metabase-Client": "embedding-simple" };
  let session = null; // one sign-in for all components of the page

  async function json(response, what) {
    if (!response.ok) throw new Error(`${what}, status: ${response.status}.`);
    return response.json();
  }

  // Where to get a token: the page says it, or Metabase.
  async function providerUri() {
    if (config.jwtProviderUri) return config.jwtProviderUri;
    const preferred = config.preferredAuthMethod;
    const query = preferred ? `?preferred_method=${preferred}` : "";
    const found = await json(
      await fetch(`${instance}/auth/sso${query}`, { headers: CLIENT }),
      "Failed to reach Metabase's /auth/sso",
    );
    if (found.method !== "jwt") throw new Error(`The sign-in method is ${found.method}.`);
    return found.url;
  }

  async function signIn() {
    const url = new URL(await providerUri());
    url.searchParams.set("response", "json");
    const answer = await fetch(url, { credentials: "include" });
    const { jwt } = await json(answer, `Failed to fetch JWT token from ${url}`);
    const exchange = await fetch(`${instance}/auth/sso`, {
      method: "POST",
      headers: { ...CLIENT, "Content-Type": "application/json" },
      body: JSON.stringify({ jwt }),
    });
    const body = await exchange.json();
    if (!exchange.ok) throw new Error(body.message);
    if (typeof body.id !== "string" || typeof body.exp !== "number") {
      throw new Error("The session has no id or no exp.");
    }
    return { session: body.id };
  }

  // Objects and lists are JSON in an attribute; everything else is text.
  function contextOf(text) {
    try {
      const value = JSON.parse(text);
      return typeof value === "object" ? value : text;
    } catch {
      return text;
    }
  }

  function itemOf(token) {
    const part = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(atob(part)).resource;
  }

  async function askForGuestToken(entityType, entityId, customContext) {
    if (!config.guestEmbedProviderUri) throw new Error("Token is expired, and there is no provider.");
    const answer = await fetch(config.guestEmbedProviderUri, {
      method: "POST",
      credentials: "include",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ entityType, entityId, customContext }),
    });
    return (await json(answer, "Failed to fetch a guest token")).jwt;
  }

  class Component extends HTMLElement {
    connectedCallback() {
      if (this.frame) return;
      this.frame = document.createElement("iframe");
      this.frame.title = this.localName;
      this.frame.width = "100%";
      this.frame.height = "200"; // until the frame says how high it is
      this.frame.setAttribute("frameborder", "0");
      this.frame.src = `${instance}/embed/sdk/v1`;
      this.listener = (event) => this.hear(event);
      window.addEventListener("message", this.listener);
      this.append(this.frame);
    }

    disconnectedCallback() {
      window.removeEventListener("message", this.listener);
    }

    get kind() {
      return this.localName.replace("metabase-", "");
    }

    get options() {
      const hidden = new Set(["token", "class", "id", "style"]);
      const shown = [...this.attributes].filter((attribute) => !hidden.has(attribute.name));
      return Object.fromEntries(shown.map((attribute) => [attribute.name, attribute.value]));
    }

    async hear(event) {
      if (event.source !== this.frame.contentWindow || event.origin !== new URL(instance).origin) return;
      if (event.data?.type === "height") this.frame.height = event.data.height;
      const known = { ready: () => this.credentials(), expired: () => this.refreshed() };
      if (!(event.data?.type in known)) return;
      let credentials;
      try {
        credentials = await known[event.data.type]();
      } catch (error) {
        credentials = { error: error.message };
      }
      const { theme, locale } = config;
      const message = { kind: this.kind, options: this.options, theme, locale, ...credentials };
      this.frame.contentWindow.postMessage(message, event.origin);
    }

    async credentials() {
      if (!config.isGuest) {
        session ??= signIn();
        return session;
      }
      const token = this.getAttribute("token");
      if (token) return { token };
      const id = this.getAttribute(`${this.kind}-id`);
      return this.refreshed(this.kind, /^\d+$/.test(id) ? Number(id) : id);
    }

    async refreshed(kind, id) {
      if (!kind) {
        const token = this.getAttribute("token");
        if (!token) return this.credentials();
        [[kind, id]] = Object.entries(itemOf(token));
      }
      const context = this.getAttribute("custom-context");
      const token = await askForGuestToken(kind, id, context === null ? undefined : contextOf(context));
      return { token };
    }
  }

  for (const name of ["dashboard", "question", "browser", "metabot"]) {
    customElements.define(`metabase-${name}`, class extends Component {});
  }
  if (!instance) throw new Error("window.metabaseConfig has to be set before embed.js.");
})();
