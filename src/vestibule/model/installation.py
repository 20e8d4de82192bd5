"""What holds for the whole installation: the product's face towards people, and the questions it asks them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Branding:
    """The product as people know it. `colour` is a CSS hex colour, `support` an email address or a URL."""

    product_name: str = "Vestibule"
    logo_url: str | None = None
    colour: str = "#2f5fd0"
    support: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    branding: Branding = field(default_factory=Branding)
    confirm_identity_switch: bool = True
