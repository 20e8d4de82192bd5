"""Signing keys: made, sealed at rest, rotated, and handed out as signers."""
