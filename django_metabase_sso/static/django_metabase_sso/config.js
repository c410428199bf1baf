// Gives this page's configuration, which is the attribute data-config of this script, to Metabase's
// embed.js, whether that has run already or not. It carries paths, which become addresses on
// whatever host the browser really sees.
//
// An element with a name or an id can shadow almost everything that is looked up on `document`, on
// a form, and some of `window` (DOM clobbering). So methods are taken from prototypes, and nothing
// of the page but this script is read.
(() => {
  const COMPONENTS = "metabase-dashboard, metabase-question, metabase-browser, metabase-metabot";
  const LAST = Symbol.for("django_metabase_sso"); // where the text is that came before this one
  const current = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get;
  const text = current.call(document)?.dataset.config;
  if (!text) throw new Error("config.js was not loaded by {% metabase_config %}.");

  const config = JSON.parse(text);
  for (const key of ["jwtProviderUri", "guestEmbedProviderUri"]) {
    if (key in config) config[key] = new URL(config[key], window.location.origin).href;
  }
  // What the page itself has set stays. Key by key, since embed.js refuses a whole new object that
  // differs in isGuest, or that has a key which its version does not know.
  const own = Object.hasOwn(window, "metabaseConfig") && window.metabaseConfig;
  const target = own || (window.metabaseConfig = {});
  const last = window[LAST];
  for (const key of Object.keys(JSON.parse(last ?? "{}"))) if (!(key in config)) delete target[key];
  Object.assign(target, config);
  window[LAST] = text;

  if (!last) {
    const listen = EventTarget.prototype.addEventListener;
    // The browser shows a page of its history as it was, even to another user.
    listen.call(window, "pageshow", (event) => event.persisted && window.location.reload());
    new MutationObserver(tidy).observe(document, { childList: true, subtree: true });
  } else if (last !== text) {
    reconnect(); // htmx or Turbo has shown them before this script ran
  }

  function tidy(records) {
    for (const record of records) {
      for (const frame of record.addedNodes) {
        const component = frame instanceof HTMLIFrameElement && frame.closest(COMPONENTS);
        if (!component) continue;
        const title = component.getAttribute("title");
        if (title && !frame.title) frame.title = title;
        // One that htmx or Turbo has kept with the page, and that nobody talks to any more.
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
