// The page of /auth/logout is for anybody; what ends the session is this script.
fetch("/api/session", { method: "DELETE" }).then((answer) => {
  const said = answer.ok ? "You are signed out of Metabase" : "You were not signed in to Metabase";
  document.getElementById("signed-out").textContent = said;
});
