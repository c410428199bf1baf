// The server of Metabase's guide to JWT sign-in, written anew from what it describes: Express,
// express-session and jsonwebtoken. Unlike an example it keeps sessions and users in a database,
// as Django does: a query each for session, user and groups.
"use strict";

const express = require("express");
const session = require("express-session");
const jwt = require("jsonwebtoken");

const { SECRET_KEY, JWT_SHARED_SECRET, SQLITE, ORIGIN } = process.env;
const SESSION = "SELECT sess FROM express_sessions WHERE sid = $1";
const USER = "SELECT id, email, first_name, last_name, is_active FROM auth_user WHERE id = $1";
const GROUP_NAMES =
  "SELECT name FROM auth_group JOIN auth_user_groups ON group_id = auth_group.id" +
  " WHERE user_id = $1 ORDER BY name";

const ask = SQLITE ? sqlite() : postgres();
let queries = 0;

function rows(query, value) {
  queries += 1;
  return ask(query, value);
}

// It writes nothing when a session is read (express-session calls `touch` only where there is
// one): neither does Django's.
class Store extends session.Store {
  get(sid, callback) {
    rows(SESSION, sid).then(
      ([found]) => callback(null, found && JSON.parse(found.sess)),
      callback,
    );
  }
  set() {
    throw new Error("Nobody signs in during a benchmark.");
  }
}

const app = express();
app.get("/usage", (request, response) => {
  response.json({ pid: process.pid, rss: process.memoryUsage().rss / 2 ** 20, queries });
});
app.use(
  session({ secret: SECRET_KEY, resave: false, saveUninitialized: false, store: new Store() }),
);
app.get("/sso/metabase", async (request, response) => {
  const [user] = request.session.user ? await rows(USER, request.session.user) : [];
  if (!user || !user.is_active) {
    return response.status(401).json({ error: "not authenticated" });
  }
  const claims = {
    email: user.email,
    first_name: user.first_name,
    last_name: user.last_name,
    groups: (await rows(GROUP_NAMES, user.id)).map((row) => row.name),
    exp: Math.round(Date.now() / 1000) + 600,
  };
  const token = jwt.sign(claims, JWT_SHARED_SECRET);
  if (request.get("Origin") === ORIGIN) {
    response.set({
      "Access-Control-Allow-Origin": ORIGIN,
      "Access-Control-Allow-Credentials": "true",
    });
  }
  response.set({ "Cache-Control": "no-store", Vary: "Cookie, Origin" }).json({ jwt: token });
});
app.listen({ fd: Number(process.argv[2]) });

function sqlite() {
  const database = new (require("libsql"))(SQLITE, { readonly: true });
  const statements = new Map();
  return async (query, value) => {
    if (!statements.has(query)) {
      statements.set(query, database.prepare(query.replace("$1", "?")));
    }
    return statements.get(query).all(value);
  };
}

function postgres() {
  const pool = new (require("pg").Pool)({ max: 1 }); // where: PGHOST and so on
  return async (query, value) => (await pool.query(query, [value])).rows;
}
