"""What one application is told about somebody: claims by scope [OIDC Core 5.4]."""

from collections.abc import Mapping

from vestibule.model.identity import Claim, Identity

SCOPE_CLAIMS: Mapping[str, frozenset[str]] = {
    "email": frozenset({"email", "email_verified"}),
    "phone": frozenset({"phone_number"}),
    "address": frozenset({"address"}),
    "groups": frozenset({"groups"}),
}
"""Claims that need a scope of their own. All others go with `profile`: an operator who maps an attribute to a claim of
his own wants the applications to have it, and no standard scope names it."""
_SCOPES = {claim: scope for scope, claims in SCOPE_CLAIMS.items() for claim in claims}


def release(identity: Identity, scope: str) -> Mapping[str, Claim]:
    """The claims about this identity that this scope asks for.

    `connection` and `connection_id` always: an application binds its customer to these, never to an email. They come
    last, so that no mapped claim can stand in for them.
    """
    granted = frozenset(scope.split())
    told = {name: value for name, value in identity.claims.items() if _SCOPES.get(name, "profile") in granted}
    if "email" in granted and identity.email is not None:
        told |= {"email": identity.email, "email_verified": identity.email_verified}
    return {**told, "connection": identity.connection_name, "connection_id": identity.connection}
