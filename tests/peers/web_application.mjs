// A traditional web application with openid-client 6.
//   /            signed in, or starts a login          /login     initiate_login_uri [OIDC Core 4]
//   /callback    code flow with state, nonce, PKCE     /direct    a code nobody asked for, with the static state "from-the-portal"
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import http from 'node:http';
import crypto from 'node:crypto';

const { NODE_MODULES, PORT, ISSUER, CLIENT_ID, CLIENT_SECRET, BASE } = process.env;
const require = createRequire(NODE_MODULES + '/');
const oidc = await import(pathToFileURL(NODE_MODULES + '/openid-client/build/index.js'));
const sessions = new Map();
let config;
const configured = async () =>
  (config ??= await oidc.discovery(new URL(ISSUER), CLIENT_ID, undefined, oidc.ClientSecretBasic(CLIENT_SECRET), { execute: [oidc.allowInsecureRequests] }));

const begin = async (response, target, hint) => {
  const id = crypto.randomBytes(16).toString('hex');
  const session = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce(), target };
  sessions.set(id, session);
  const to = oidc.buildAuthorizationUrl(await configured(), {
    redirect_uri: `${BASE}/callback`, scope: 'openid profile email groups', state: session.state, nonce: session.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(session.verifier), code_challenge_method: 'S256', ...(hint ? { login_hint: hint } : {}),
  });
  response.writeHead(302, { location: to.href, 'set-cookie': `app=${id}; Path=/; HttpOnly; SameSite=Lax` }).end();
};

const finish = async (session, url, checks) => {
  const tokens = await oidc.authorizationCodeGrant(await configured(), url, { idTokenExpected: true, ...checks });
  const claims = tokens.claims();
  session.person = { claims, userinfo: await oidc.fetchUserInfo(config, tokens.access_token, claims.sub), callback: url.search };
};

const answer = async (request, response) => {
  const url = new URL(request.url, BASE), id = /app=(\w+)/.exec(request.headers.cookie ?? '')?.[1], session = sessions.get(id);
  const asked = (name) => url.searchParams.get(name);
  if (url.pathname === '/login') {
    if (asked('iss') !== ISSUER) return response.writeHead(400).end(`unknown iss ${asked('iss')}`);
    const target = new URL(asked('target_link_uri') ?? BASE);
    return target.origin === BASE ? begin(response, target.href, asked('login_hint')) : response.writeHead(400).end('target_link_uri elsewhere');
  }
  if (url.pathname === '/callback') {
    if (!session) return response.writeHead(400).end('no session');
    await finish(session, url, { pkceCodeVerifier: session.verifier, expectedState: session.state, expectedNonce: session.nonce });
    return response.writeHead(302, { location: session.target }).end();
  }
  if (url.pathname === '/direct') {
    const own = crypto.randomBytes(16).toString('hex'), fresh = {};
    await finish(fresh, url, { expectedState: 'from-the-portal' });
    sessions.set(own, fresh);
    return response.writeHead(302, { location: '/', 'set-cookie': `app=${own}; Path=/; HttpOnly; SameSite=Lax` }).end();
  }
  if (!session?.person) return begin(response, url.href);
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ at: url.href, ...session.person }));
};

http.createServer((request, response) => answer(request, response).catch((error) => {
  console.error(error);
  if (!response.headersSent) response.writeHead(500).end(`${error.code} ${error} ${JSON.stringify(error.cause ?? null)}`);
})).listen(Number(PORT), '127.0.0.1');
