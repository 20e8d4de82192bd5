"""The law of the OpenID provider [RFC 6749, OIDC Core]: pure functions that know OAuth words and none of our nouns."""
