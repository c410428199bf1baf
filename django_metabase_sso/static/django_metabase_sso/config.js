// Passes the configuration of this page to Metabase's embed.js, which may run before or after this
// script. The configuration is in the attribute data-config of this script. Its URLs are paths,
// which this script resolves against the host in the address bar.
//
// Elements with a name or an id can hide properties of `document`, of forms and of `window` (DOM
// clobbering). So this script takes methods from prototypes, and reads no other element.
(() => {
  const COMPONENTS = "metabase-dashboard, metabase-question, metabase-browser, metabase-metabot";
  const LAST = Symbol.for("django_metabase_sso"); // where the previous configuration is kept
  const current = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get;
  const text = current.call(document)?.dataset.config;
  if (!text) throw new Error("config.js was not loaded by {% metabase_config %}.");

  const config = JSON.parse(text);
  for (const key of ["jwtProviderUri", "guestEmbedProviderUri"]) {
    if (key in config) config[key] = new URL(config[key], window.location.origin).href;
  }
  // Keys that the page itself has set are kept. Keys are set one by one, because embed.js refuses a
  // new object with a different isGuest or with a key that its version does not know.
  const own = Object.hasOwn(window, "metabaseConfig") && window.metabaseConfig;
  const target = own || (window.metabaseConfig = {});
  const last = window[LAST];
  for (const key of Object.keys(JSON.parse(last ?? "{}"))) if (!(key in config)) delete target[key];
  Object.assign(target, config);
  window[LAST] = text;

  if (!last) {
    const listen = EventTarget.prototype.addEventListener;
    // From its history, the browser shows a page as it was, even if another user has signed in.
    listen.call(window, "pageshow", (event) => event.persisted && window.location.reload());
    new MutationObserver(tidy).observe(document, { childList: true, subtree: true });
  } else if (last !== text) {
    reconnect(); // htmx or Turbo inserted the components before this script ran
  }

  function tidy(records) {
    for (const record of records) {
      for (const frame of record.addedNodes) {
        const component = frame instanceof HTMLIFrameElement && frame.closest(COMPONENTS);
        if (!component) continue;
        const title = component.getAttribute("title");
        if (title && !frame.title) frame.title = title;
        // htmx or Turbo kept this frame with the page, but embed.js no longer uses it.
        for (const old of component.querySelectorAll("iframe")) if (old !== frame) old.remove();
      }
    }
  }

  function reconnect() {
    const find = Document.prototype.querySelectorAll;
    for (const component of find.call(document, COMPONENTS)) {
      const { insertBefore } = Node.prototype;
      insertBefore.call(component.parentNode, component, component.nextSibling);
    }
  }
})();
