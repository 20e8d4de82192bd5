// oidc-provider with its store in memory; every visitor is signed in without a page, as nobody is there to fill one in.
// The one argument is a file: {port, clients, keys}; `clients` and `keys` are as the library has them.
import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const { port, clients, keys } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  jwks: { keys },
  cookies: { keys: ["guards nothing but a benchmark"] },
  conformIdTokenClaims: false, // claims of the scopes go into the ID token, as those of the others do
  claims: {
    openid: ["sub"],
    email: ["email"],
    profile: ["name", "given_name", "family_name", "department", "employee_id", "groups"],
  },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, sub) => ({
    accountId: sub,
    claims: () => ({
      sub,
      email: `${sub}@bench.example`,
      name: "First Last",
      given_name: "First",
      family_name: "Last",
      department: "Platform Engineering",
      employee_id: "E000001",
      groups: ["users", "sales", "emea", "vpn", "travel", "reports"].map((team) => `CN=crm-${team},OU=Groups,DC=corp`),
    }),
  }),
  async loadExistingGrant(ctx) {
    const { client, session } = ctx.oidc;
    const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});

let visitors = 0;
provider.use(async (ctx, next) => {
  if (ctx.path === "/ready") {
    ctx.body = "ready";
  } else if (ctx.path.startsWith("/interaction/")) {
    const login = { accountId: `person${visitors++ % 500}` };
    ctx.respond = false;
    await provider.interactionFinished(ctx.req, ctx.res, { login }, { mergeWithLastSubmission: false });
  } else {
    await next();
  }
});
provider.on("server_error", (ctx, error) => console.error(error));
provider.listen(port, "127.0.0.1");
