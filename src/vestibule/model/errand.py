"""An errand: what a browser was sent upstream for, kept as plain parameters and judged anew when it comes back."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from vestibule.model.ids import ClientId


class ErrandKind(StrEnum):
    OIDC = "oidc"
    """An authorization request; `parameters` are its parameters as received."""
    SAML = "saml"
    """A SAML application's request."""
    TEST = "test"
    """An operator's test sign-in; `parameters["test"]` names it. Signs nobody in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """`unsolicited`: Vestibule made the request itself (`direct` delivery), so no challenge and no nonce exist."""

    kind: ErrandKind
    application: ClientId
    parameters: Mapping[str, str]
    unsolicited: bool = False
