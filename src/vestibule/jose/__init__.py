"""Signed tokens [RFC 7515, RFC 7517, RFC 7519]: the only room that speaks to the JOSE library."""
