"""Vestibule: a broker between enterprise SAML identity providers and the applications of one product."""

__version__ = "0.1.0"
