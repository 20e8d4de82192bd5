"""The law book of SAML 2.0: pure functions over messages, with the time as an argument."""
