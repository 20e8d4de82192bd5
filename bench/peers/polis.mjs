// The library of Ory Polis behind the leanest web server at hand, with the routes that its own one gives these handlers.
// The one argument is a file: {port, options, connection}; `options` go to the library as they are.
import { readFileSync } from "node:fs";
import jackson from "@boxyhq/saml-jackson";
import Fastify from "fastify";

const { port, options, connection } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const silent = { info() {}, warn() {}, error() {} };
const polis = await jackson.controllers({ ...options, logger: silent });
await polis.connectionAPIController.createSAMLConnection(connection);

const app = Fastify({ logger: false });
app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (request, body, done) =>
  done(null, Object.fromEntries(new URLSearchParams(body))),
);
app.setErrorHandler((error, request, reply) =>
  reply.code(error.statusCode ?? 500).send({ error: error.message, internal: error.internalError }),
);
app.get("/api/oauth/authorize", async (request, reply) => {
  const { redirect_url } = await polis.oauthController.authorize(request.query);
  return reply.redirect(redirect_url, 302);
});
app.post("/api/oauth/saml", async (request, reply) => {
  const { redirect_url } = await polis.oauthController.samlResponse(request.body);
  return reply.redirect(redirect_url, 302);
});
app.post("/api/oauth/token", (request) => polis.oauthController.token(request.body, request.headers.authorization));
app.get("/api/oauth/userinfo", (request) =>
  polis.oauthController.userInfo(request.headers.authorization.slice("Bearer ".length)),
);
app.get("/oauth/jwks", () => polis.oidcDiscoveryController.jwks());
app.get("/ready", async () => "ready");
await app.listen({ port, host: "127.0.0.1" });
