"""Work for nothing: what is done when a message does not open, so that the clock tells no stranger so [XMLEnc 1.1 6.1].

Whoever can tell "does not open" from "opens, but is not signed" by the time it took reads another's message octet by octet.
So a message that does not open is followed down the road of one that does: this assertion is parsed and verified in its place.
"""

from collections.abc import Sequence
from typing import Final

from vestibule.saml.names import saml
from vestibule.xml import signature
from vestibule.xml.parse import parse
from vestibule.xml.signature import PublicKey

# The key that signed it was thrown away; it says nothing about anybody, and nothing believes it.
ASSERTION: Final = (
    b'<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" '
    b'xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_decoy" Version="2.0" '
    b'IssueInstant="2026-01-01T00:00:00Z"><saml:Issuer>https://decoy.invalid/</saml:Issuer><ds:Signature '
    b'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod '
    b'Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod '
    b'Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference '
    b'URI="#_decoy"><ds:Transforms><ds:Transform '
    b'Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform '
    b'Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://'
    b'www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>yFmf4GOFtz6rU4hhrWz1ZSEHxv93BWwD0p2uoIN02Js=</ds:Dige'
    b"stValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>nsPkRgUpuFrVpT4wNmdNSgGEQpHMj38hAJ+y5RPUj2Sjl2"
    b"6n31fgHrhTbro3PdJ4nSDHNlpg3M11QnNJ7/Xy5X/NWW8cM7hnJfooM8rK4T4xOW36pxLVXNrWxu2UOEtQqU8wZw/hwoDIGG6kAIUuX8"
    b"TvM20Tdw+MLmayA9YxI02qEiCOpym6GYYYU1W2+5cjqDKU2T8zPDvHm4X2PAJJYcPIZa15imaojeEx6i74XxXiRjAOQwT/TCkbg7hr58"
    b"0V+e4noYfiKtMeyM3l3faElvrN27DrEnuxtaKt5/+f1lUl+lxY+Ke9fmwI2rOCp2zvOXf5OZntvsC2mQOmGkvJGQ==</ds:Signature"
    b'Value></ds:Signature><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspec'
    b'ified">nobody</saml:NameID><saml:SubjectConfirmation '
    b'Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData '
    b'NotOnOrAfter="2026-01-01T00:05:00Z" '
    b'Recipient="https://decoy.invalid/"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions '
    b'NotBefore="2026-01-01T00:00:00Z" NotOnOrAfter="2026-01-01T00:05:00Z"><saml:AudienceRestriction><saml:Aud'
    b"ience>https://decoy.invalid/</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStat"
    b'ement AuthnInstant="2026-01-01T00:00:00Z" SessionIndex="_decoy"><saml:AuthnContext><saml:AuthnContextCla'
    b"ssRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></sam"
    b'l:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="mail" NameFormat="ur'
    b'n:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue>nobody@decoy.invalid</saml:Attribu'
    b'teValue></saml:Attribute><saml:Attribute Name="name" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-fo'
    b'rmat:basic"><saml:AttributeValue>Nobody</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>'
    b"</saml:Assertion>"
)
CERTIFICATE: Final = """\
-----BEGIN CERTIFICATE-----
MIICxDCCAaygAwIBAgICA+gwDQYJKoZIhvcNAQELBQAwJTEjMCEGA1UEAwwaUHJh
Y3RpY2UgaWRlbnRpdHkgcHJvdmlkZXIwHhcNMjAwMTAxMDAwMDAwWhcNMjkxMjI5
MDAwMDAwWjAlMSMwIQYDVQQDDBpQcmFjdGljZSBpZGVudGl0eSBwcm92aWRlcjCC
ASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAMbE3vJhoNcHja0ricOyTXR7
wYSZcbx378EIaHvatvx6FR20i8IRCmX+/Ski91u0x0Kn2jvwj7ANwY06A9fF4qo3
JE8uFnx7DEpMu9+p9OMC+jFP6vllhUxQSIySdOq9LHBP2ssfi6mF0bN8dnj8JhfU
op/YW1zx+haIJXbJSjaY0v4Xh3Cx46BBt2sedO3FeTfSDAyTFLW4IeQOIPZT1p7H
hwLEetW5dL89Rs+B7o6jAbUalHqJ3VFZVSvJggZQJ+ggQKmJC9VuqgMkKMJsiSgw
wv4fxP4FVEqXNQInSF35/XkGg8aIaI0YmMPh75JqpE4oJYZMhuwgGwvjjcOOcckC
AwEAATANBgkqhkiG9w0BAQsFAAOCAQEAUSea0fsHZueizBAL55iUqaNvyndxepKc
wzRF5LHx/X17chhZcH5Idm35V3zrQXgS+iEcsNFvkfaWO7Bq2BsKpoYcNp+6hIh7
iCsFpwPgf21HxUl16c8ZPJZ/F1q1ElNN2rGZkk3IUmfaJ3t+EZtwTSgoMhKwOUDU
PXgBy/DmU9zoIZ/I/3te+mPfqQBrhunEqomj8ZWbl2aGsQyrgMzfe6+aWasmk/5v
iz6k84ztnTF3s6ApGptVqe/Rs2Ix2sftANVKQK85UYq1hmdn4L4WX1JBAmt90vDW
bkqcG33HkmtL8NrzMX708Jr9X4YWaHAO0/sm//m5Z2u+01UC5GbEVA==
-----END CERTIFICATE-----
"""
_FILLER: Final = b"<within>" + b"filler " * 60 + b"</within>"


def document(size: int) -> bytes:
    """About `size` octets, of which the assertion is one part and filler the rest."""
    filler = _FILLER * max(0, (size - len(ASSERTION)) // len(_FILLER))
    return b"<within>" + ASSERTION + filler + b"</within>"


def work(keys: Sequence[PublicKey], *, size: int) -> None:
    """Parses about `size` octets, and verifies as with the connection's `keys`."""
    root = parse(document(size))
    for assertion in root.iterchildren(saml("Assertion")):
        signature.verify(root, assertion, keys=(*keys, *signature.load_certificates((CERTIFICATE,))))
