// Hands the page's configuration to Metabase's embed.js, which comes after this script.
// The page carries paths, which are addresses on whatever host the browser really sees.
(() => {
  const data = document.querySelector('script[id="metabase-config"][type="application/json"]');
  const config = JSON.parse(data.textContent);
  for (const key of ["jwtProviderUri", "guestEmbedProviderUri"]) {
    if (key in config) config[key] = new URL(config[key], window.location.origin).href;
  }
  window.metabaseConfig = config;
})();
