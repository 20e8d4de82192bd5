"""Translators in: from an identity provider's protocol to nobody's, and our requests to it."""
