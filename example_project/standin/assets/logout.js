// The page /auth/logout does not end the session itself: this script does.
fetch("/api/session", { method: "DELETE" }).then((answer) => {
  const said = answer.ok ? "You are signed out of Metabase" : "You were not signed in to Metabase";
  document.getElementById("signed-out").textContent = said;
});
