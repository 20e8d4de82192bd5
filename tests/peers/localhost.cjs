// Browsers take every name under .localhost for this machine; many resolvers do not. Preloaded into the Node peers.
const dns = require('node:dns');
const { lookup } = dns;
dns.lookup = (host, ...rest) => lookup(host.endsWith('.localhost') ? '127.0.0.1' : host, ...rest);
globalThis.crypto ??= require('node:crypto').webcrypto;
