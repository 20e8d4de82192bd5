// Board's own sign-in: authorization code with PKCE [RFC 7636], nothing but what the browser brings along.
import { renderHops } from "/static/hops.js";

const show = (name) => {
  for (const part of document.querySelectorAll("[data-state]")) part.hidden = part.dataset.state !== name;
};
const fill = (name, value) => {
  for (const place of document.querySelectorAll(`[data-fill="${name}"]`)) place.textContent = value;
};
const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const fromBase64url = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const sha256 = async (text) => base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));

const config = await (await fetch("/config.json")).json();

async function start(connectorId) {
  show("working");
  const login = { state: random(), nonce: random(), verifier: random() };
  sessionStorage.setItem("login", JSON.stringify(login));
  const asked = new URLSearchParams({
    client_id: config.clientId,
    redirect_uri: config.redirectUri,
    response_type: "code",
    scope: config.scope,
    state: login.state,
    nonce: login.nonce,
    code_challenge: await sha256(login.verifier),
    code_challenge_method: "S256",
  });
  if (connectorId) asked.set("direct_sign_in", `sso:${connectorId}`);
  location.assign(`${config.issuer}authorize?${asked}`);
}

async function claimsOf(idToken, nonce) {
  const [head, body, signature] = idToken.split(".");
  const { kid, alg } = JSON.parse(new TextDecoder().decode(fromBase64url(head)));
  const { keys } = await (await fetch(`${config.issuer}.well-known/jwks.json`)).json();
  const jwk = keys.find((key) => key.kid === kid && key.kty === "RSA");
  if (!jwk || alg !== "RS256") throw new Error("The ID token names a key that Vestibule does not publish.");
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("jwk", { kty: jwk.kty, n: jwk.n, e: jwk.e }, algorithm, false, ["verify"]);
  const signed = new TextEncoder().encode(`${head}.${body}`);
  if (!(await crypto.subtle.verify(algorithm, key, fromBase64url(signature), signed)))
    throw new Error("The ID token's signature is wrong.");
  const claims = JSON.parse(new TextDecoder().decode(fromBase64url(body)));
  if (claims.iss !== config.issuer || claims.aud !== config.clientId || claims.nonce !== nonce)
    throw new Error("The ID token is not for this login.");
  if (claims.exp * 1000 <= Date.now()) throw new Error("The ID token has expired.");
  return claims;
}

async function finish(answer) {
  show("working");
  const login = JSON.parse(sessionStorage.getItem("login") ?? "null");
  sessionStorage.removeItem("login");
  history.replaceState(null, "", "/");
  if (!login || answer.get("state") !== login.state)
    throw new Error("A code arrived whose state does not belong to this tab. Board did not touch it, and nobody was signed in.");
  if (answer.get("iss") !== config.issuer) throw new Error("The answer names another issuer.");
  if (answer.has("error")) throw new Error(answer.get("error_description") ?? answer.get("error"));
  const response = await fetch(`${config.issuer}oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: config.clientId,
      code: answer.get("code") ?? "",
      redirect_uri: config.redirectUri,
      code_verifier: login.verifier,
    }),
  });
  if (!response.ok) throw new Error("Vestibule did not take the code. Go back to the portal and click the tile again.");
  const tokens = await response.json();
  const claims = await claimsOf(tokens.id_token, login.nonce);
  const info = await (
    await fetch(`${config.issuer}userinfo`, { headers: { Authorization: `Bearer ${tokens.access_token}` } })
  ).json();
  const journey = await (await fetch("/journey.json")).json();
  sessionStorage.setItem("account", JSON.stringify({ claims, info, journey }));
  welcome({ claims, info, journey });
}

function welcome({ claims, info, journey }) {
  const name = info.name ?? info.email ?? claims.sub;
  fill("name", name);
  fill("initials", name.split(" ").map((word) => word[0]).join(""));
  fill("email", info.email ?? "");
  fill("connection", claims.connection);
  fill("claims", JSON.stringify(claims, null, 2));
  fill("info", JSON.stringify(info, null, 2));
  fill("journey", journey.title);
  renderHops(document.querySelector("[data-hops]"), journey.hops);
  for (const part of document.querySelectorAll("[data-attacker]")) part.hidden = info.email !== "mallory@acme.example";
  show("in");
}

function signOut() {
  sessionStorage.clear();
  const asked = new URLSearchParams({ client_id: config.clientId, post_logout_redirect_uri: `${location.origin}/` });
  location.assign(`${config.issuer}oidc/logout?${asked}`);
}

document.querySelector("[data-sign-in]").addEventListener("click", () => start(null));
document.querySelector("[data-sign-out]").addEventListener("click", signOut);

const query = new URLSearchParams(location.search);
const kept = sessionStorage.getItem("account");
try {
  if (location.pathname === "/sso") await start(query.get("ssoConnectorId"));
  else if (location.pathname === "/callback") await finish(query);
  else if (kept) welcome(JSON.parse(kept));
  else show("out");
} catch (problem) {
  fill("problem", problem.message);
  show("problem");
}
