"""The names of things, each with a type of its own, so that one cannot be taken for another."""

from typing import NewType

ConnectionId = NewType("ConnectionId", str)
ClientId = NewType("ClientId", str)
PersonId = NewType("PersonId", str)
IdentityKey = NewType("IdentityKey", str)
"""Keyed hash of connection + NameID + Format + qualifiers (or of connection + subject attribute)."""
ArrivalId = NewType("ArrivalId", str)
GrantId = NewType("GrantId", str)
"""Names everything that one authorization gave: its code, its tokens, its refresh family."""
Sid = NewType("Sid", str)
"""The public name of an SSO session: the `sid` claim. Never the cookie's value."""
Digest = NewType("Digest", str)
"""base64url(SHA-256) of a secret that a browser or a client holds."""
Reference = NewType("Reference", str)
"""The reference number that a person sees and that leads the operator to the trace."""
NO_REFERENCE = Reference("")
