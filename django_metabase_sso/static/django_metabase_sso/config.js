// Hands the page's configuration to Metabase's embed.js, which comes after this script.
// The page carries paths, which are addresses on whatever host the browser really sees.
(() => {
  // Not the first with this id: that could be injected, and no policy stops what is mere data.
  const data = document.currentScript.previousElementSibling;
  const config = JSON.parse(data.textContent);
  for (const key of ["jwtProviderUri", "guestEmbedProviderUri"]) {
    if (key in config) config[key] = new URL(config[key], window.location.origin).href;
  }
  window.metabaseConfig = config;
})();
