// npm `samlp`, the identity provider library of Auth0, as an IdP without a login page: everybody is alice, or ?user=NAME.
//   GET /SIGNING/sso?SAMLRequest=…                  answers a request        SIGNING: assertion | response | both, with encrypted- before it
//   GET /SIGNING/sso?sp=ENTITY&acs=URL&RelayState=… unsolicited
//   GET /SIGNING/metadata
const fs = require('node:fs'), crypto = require('node:crypto'), path = require('node:path');
const load = require('node:module').createRequire(process.env.NODE_MODULES + '/');
const samlp = load('samlp'), express = load('express');
const { PORT, PEER_RUN, PEER_BASE } = process.env;
const cert = fs.readFileSync(path.join(PEER_RUN, 'idp.crt'), 'utf8'), key = fs.readFileSync(path.join(PEER_RUN, 'idp.key'), 'utf8');
const entity = (signing) => `${PEER_BASE}/${signing}/metadata`;
// The certificate that the service provider's metadata tells us to encrypt for; AES-256-GCM is this library's own choice.
const forKeyOf = (sp) => {
  const metadata = fs.readFileSync(path.join(PEER_RUN, 'sp', `${sp}.xml`), 'utf8');
  const body = /use="encryption"[\s\S]*?X509Certificate>([^<]*)</.exec(metadata)[1].replace(/\s/g, '');
  const pem = `-----BEGIN CERTIFICATE-----\n${body.match(/.{1,64}/g).join('\n')}\n-----END CERTIFICATE-----\n`;
  return { encryptionCert: pem, encryptionPublicKey: crypto.createPublicKey(pem).export({ type: 'spki', format: 'pem' }) };
};
const app = express();
app.use(express.urlencoded({ extended: true, limit: '1mb' }));

const answer = (signing, { sp, acs, id, user }, req, res, next) => {
  const profile = { id: user, emails: [{ value: `${user}@acme.test` }], displayName: 'A <&> Ä', name: { givenName: 'Alice', familyName: "O'Neil" } };
  samlp.auth({
    issuer: entity(signing), cert, key, audience: sp, recipient: acs, destination: acs, lifetimeInSeconds: 300,
    signResponse: !signing.endsWith('assertion'), signAssertion: !signing.endsWith('response'),
    ...(signing.startsWith('encrypted-') ? forKeyOf(`samlp-${signing}`) : {}),
    signatureAlgorithm: 'rsa-sha256', digestAlgorithm: 'sha256',
    getPostURL: (_audience, _parsed, _req, done) => done(null, acs), getUserFromRequest: () => profile,
    ...(id ? { inResponseTo: id } : {}),
  })(req, res, next);
};
app.get('/:signing/metadata', (req, res, next) => {
  const there = `/${req.params.signing}/sso`;
  samlp.metadata({ issuer: entity(req.params.signing), cert, redirectEndpointPath: there, postEndpointPath: there })(req, res, next);
});
app.all('/:signing/sso', (req, res, next) => {
  const asked = { ...req.query, ...req.body }, user = asked.user || 'alice';
  if (!asked.SAMLRequest) return answer(req.params.signing, { ...asked, user }, req, res, next);
  samlp.parseRequest(req, {}, (error, request) => {
    if (error) return next(error);
    const { issuer: sp, assertionConsumerServiceURL: acs, id } = request;
    answer(req.params.signing, { sp, acs, id, user }, req, res, next);
  });
});
app.use((error, _req, res, _next) => res.status(500).send(String(error.stack)));
app.listen(Number(PORT), '127.0.0.1');
