// The page that embeds, on an origin of its own. Its query says how it signs in.
import { createRoot } from "react-dom/client";
import {
  MetabaseProvider,
  defineMetabaseAuthConfig,
  useCreateDashboardApi,
  useMetabaseAuthStatus,
} from "@metabase/embedding-sdk-react";
// Both are cut out of the documentation.
import { MetabaseForUser } from "./MetabaseForUser.jsx";
import { bearerConfig } from "./bearer.js";

const query = new URLSearchParams(window.location.search);
const instanceUrl = query.get("instance");
const ssoUrl = query.get("sso");
const bearer = query.get("bearer");

function Status() {
  const status = useMetabaseAuthStatus();
  const api = useCreateDashboardApi();
  const text = status && {
    status: status.status,
    message: status.error ? String(status.error.message ?? status.error) : "",
  };
  const call = async () => {
    const result = document.getElementById("result");
    try {
      await api.createDashboard({ name: "A dashboard", collectionId: "root" });
      result.textContent = "called";
    } catch (error) {
      result.textContent = `failed: ${error.message ?? error}`;
    }
  };
  return (
    <>
      <pre id="status">{JSON.stringify(text)}</pre>
      <button id="call" onClick={call} disabled={!api}>
        Call Metabase
      </button>
    </>
  );
}

const authConfig = bearer
  ? bearerConfig(instanceUrl, ssoUrl, bearer)
  : defineMetabaseAuthConfig({ metabaseInstanceUrl: instanceUrl });

const content = query.has("wrapper") ? (
  <MetabaseForUser instanceUrl={instanceUrl} ssoUrl={ssoUrl} fallback={<p id="fallback">Sign in</p>}>
    <Status />
  </MetabaseForUser>
) : (
  <MetabaseProvider authConfig={authConfig}>
    <Status />
  </MetabaseProvider>
);

createRoot(document.getElementById("root")).render(content);
