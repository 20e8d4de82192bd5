"""Translators out: an identity of ours becomes an answer in the application's protocol."""
