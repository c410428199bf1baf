// The stand-in's embed.js defines four components, as Metabase documents them. Each shows a frame
// of the instance. The page around the frame signs in and passes the session or the token to it.
(() => {
  // htmx and Turbo run the scripts of a page again, but elements can be defined only once.
  if (customElements.get("metabase-dashboard")) return;
  const VERSION = __VERSION__; // of the instance that serves this script
  const CLIENT = { "X-Metabase-Client": "embedding-simple" };
  const FIXED = ["instanceUrl", "isGuest", "useExistingUserSession", "fetchRequestToken"];
  const SINCE = { jwtProviderUri: 60, guestEmbedProviderUri: 60, allowedCustomVisualizations: 63 };
  const ATTRIBUTES = {
    dashboard:
      "dashboard-id token auto-refresh-interval with-title with-downloads with-subscriptions " +
      "drills initial-parameters parameters hidden-parameters enable-entity-navigation " +
      "custom-context",
    question:
      "question-id token with-title with-downloads with-alerts drills initial-sql-parameters " +
      "sql-parameters hidden-parameters is-save-enabled target-collection entity-types " +
      "custom-context",
    browser:
      "initial-collection collection-visible-columns collection-page-size " +
      "collection-entity-types data-picker-entity-types with-new-question with-new-dashboard " +
      "read-only enable-entity-navigation",
    metabot: "layout is-save-enabled target-collection",
  };

  // Pages may assign window.metabaseConfig before or after this script, as an object or key by key.
  // Assignments are merged.
  const known = (key) => VERSION >= (SINCE[key] ?? 0);
  const config = {};
  for (const [key, value] of Object.entries(window.metabaseConfig ?? {})) {
    if (known(key)) config[key] = value; // unknown keys are ignored here, but refused later
  }
  Object.defineProperty(window, "metabaseConfig", {
    configurable: true,
    get: () => config,
    set: (values) => {
      for (const [key, value] of Object.entries(values)) {
        if (!known(key)) throw new Error(`${key} is not a key of metabaseConfig.`);
        if (FIXED.includes(key) && key in config && config[key] !== value) {
          throw new Error(`${key} cannot be changed once it is set.`);
        }
      }
      Object.assign(config, values);
    },
  });

  function wrong() {
    if (!config.instanceUrl) return "instanceUrl must be provided";
    const { apiKey, useExistingUserSession, preferredAuthMethod } = config;
    const ways = [apiKey, useExistingUserSession, preferredAuthMethod].filter(Boolean);
    return ways.length > 1 && "apiKey, useExistingUserSession, preferredAuthMethod: set only one of them.";
  }

  async function json(response, what) {
    if (!response.ok) throw new Error(`${what}, status: ${response.status}.`);
    return response.json();
  }

  // Returns where to get a token: from the configuration, or from Metabase, perhaps with a hash.
  async function provider() {
    if (config.jwtProviderUri) return { url: config.jwtProviderUri };
    const preferred = config.preferredAuthMethod;
    const query = preferred ? `?preferred_method=${preferred}` : "";
    const found = await json(
      await fetch(`${config.instanceUrl}/auth/sso${query}`, { headers: CLIENT }),
      "Failed to reach Metabase's /auth/sso",
    );
    if (found.method !== "jwt") throw new Error(`The sign-in method is ${found.method}.`);
    return found;
  }

  async function fetchToken(url) {
    if (config.fetchRequestToken) return (await config.fetchRequestToken()).jwt;
    const address = new URL(url);
    address.searchParams.set("response", "json");
    const answer = await fetch(address, { credentials: "include" });
    return (await json(answer, `Failed to fetch JWT token from ${url}`)).jwt;
  }

  // From version 60 on, a token is sent in a POST. Older versions send it in the query.
  async function exchange(jwt, hash) {
    const url = `${config.instanceUrl}/auth/sso`;
    const headers = { ...CLIENT };
    if (hash) headers["X-Metabase-SDK-JWT-Hash"] = hash;
    if (VERSION < 60) return fetch(`${url}?jwt=${encodeURIComponent(jwt)}`, { headers });
    headers["Content-Type"] = "application/json";
    return fetch(url, { method: "POST", headers, body: JSON.stringify({ jwt }) });
  }

  async function signIn() {
    const { url, hash } = await provider();
    const body = await json(await exchange(await fetchToken(url), hash), "Failed to sign in");
    if (typeof body.id !== "string" || typeof body.exp !== "number") {
      throw new Error("The session does not have id or exp.");
    }
    return body.id;
  }

  // API keys and existing sessions work only in local development.
  function forDevelopment() {
    if (!["localhost", "127.0.0.1", "[::1]"].includes(window.location.hostname)) {
      throw new Error("API keys and existing sessions are for local development only.");
    }
    return { apiKey: config.apiKey };
  }

  // Parses the value of an attribute: a boolean, a number, JSON or a string.
  function parsed(text) {
    if (text === "" || text === "true") return true;
    if (text === "false") return false;
    if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
    if (/^[{[]/.test(text)) {
      try {
        return JSON.parse(text);
      } catch {
        return text;
      }
    }
    return text;
  }

  // Version 60 passes an object on as a string. From 61 on, it is parsed like any attribute.
  const contextOf = (text) => (text === null ? undefined : VERSION <= 60 ? text : parsed(text));

  function itemOf(token) {
    const part = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(atob(part)).resource;
  }

  async function askForGuestToken(entityType, entityId, customContext) {
    const provider = config.guestEmbedProviderUri;
    if (!provider) throw new Error("Token is expired, and guestEmbedProviderUri is not set.");
    const url = new URL(provider, window.location.origin); // may be a path
    url.searchParams.set("response", "json");
    const answer = await fetch(url, {
      method: "POST",
      credentials: "include",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ entityType, entityId, customContext }),
    });
    return (await json(answer, `Failed to fetch JWT token from ${provider}`)).jwt;
  }

  class Component extends HTMLElement {
    // Each component signs in by itself, and again when it is moved in the page.
    connectedCallback() {
      this.style.display = "block";
      const problem = wrong(); // only in the console; the element tries again when it is moved
      if (problem) return console.error(`[embed.js] ${problem}`);
      this.frame = document.createElement("iframe");
      Object.assign(this.frame.style, { width: "100%", height: "100%", minHeight: "600px" });
      this.frame.style.border = "0";
      this.frame.src = `${config.instanceUrl}/embed/sdk/v1`;
      this.listener = (event) => this.hear(event);
      window.addEventListener("message", this.listener);
      this.append(this.frame);
    }

    disconnectedCallback() {
      window.removeEventListener("message", this.listener);
      this.frame?.remove();
    }

    get kind() {
      return this.localName.replace("metabase-", "");
    }

    get options() {
      const names = ATTRIBUTES[this.kind].split(" ").filter((name) => name !== "token");
      const given = names.filter((name) => this.hasAttribute(name));
      return Object.fromEntries(given.map((name) => [name, parsed(this.getAttribute(name))]));
    }

    async hear(event) {
      const origin = new URL(config.instanceUrl).origin;
      if (event.source !== this.frame.contentWindow || event.origin !== origin) return;
      const answers = { ready: () => this.credentials(), expired: () => this.refreshed() };
      if (!(event.data?.type in answers)) return;
      let credentials;
      try {
        credentials = await answers[event.data.type]();
      } catch (error) {
        credentials = { error: error.message };
      }
      const { theme, locale } = config;
      const message = { kind: this.kind, options: this.options, theme, locale, ...credentials };
      this.frame.contentWindow?.postMessage(message, origin);
    }

    async credentials() {
      const { apiKey, useExistingUserSession } = config;
      const token = this.getAttribute("token");
      // Even if isGuest is false: a provider that is left from the previous page is enough.
      if (config.guestEmbedProviderUri && !token) return this.refreshed();
      if (apiKey || useExistingUserSession) return forDevelopment();
      if (!config.isGuest) return { session: await signIn() };
      return token ? { token } : this.refreshed();
    }

    // Gets a new token for the item in the attribute with the id, or otherwise in the page's token.
    async refreshed() {
      const id = this.getAttribute(`${this.kind}-id`);
      const item = id === null ? itemOf(this.getAttribute("token"))[this.kind] : parsed(id);
      const context = contextOf(this.getAttribute("custom-context"));
      return { token: await askForGuestToken(this.kind, item, context) };
    }
  }

  for (const name of Object.keys(ATTRIBUTES)) {
    customElements.define(`metabase-${name}`, class extends Component {});
  }
})();
