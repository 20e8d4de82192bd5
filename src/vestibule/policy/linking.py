"""Linking: when two identities may be one person [house rule]."""

from vestibule.model.connection import Connection
from vestibule.model.identity import Identity
from vestibule.policy.domains import is_verified


def may_link(identity: Identity, connection: Connection) -> bool:
    """Whether this identity may join a person who is known by the same verified email.

    Judged anew at every sign-in: the domain must be verified for this connection at this moment, whatever the
    identity was told earlier. An unverified email is never a join key. The identity it joins asserted the email while
    its own connection held the domain, verified: so people keep their account when their company changes its identity
    provider and the domain moves to the new connection.
    """
    return (
        connection.link_by_email
        and identity.connection == connection.id
        and identity.email_verified
        and is_verified(connection, identity.email)
    )
