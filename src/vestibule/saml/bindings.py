"""How SAML messages travel through a browser: the POST and Redirect bindings [SAMLBind 3.4, 3.5]."""

import base64
import zlib
from collections.abc import Callable
from urllib.parse import quote, urlsplit, urlunsplit

from vestibule.ground.errors import Refused
from vestibule.ground.octets import base64_octets


def decode_post(value: str, *, limit: int = 1_048_576) -> bytes:
    """The message in a form field [SAMLBind 3.5.4]: strict base64 after carriage returns and line feeds are taken out.

    Line breaks are all that the encoding allows besides its alphabet [RFC 2045 6.8]. A space is refused: it is nearly
    always a `+` that was decoded twice, and guessing would accept what was not sent. The limit holds before decoding.
    """
    if len(value) > 2 * limit:
        raise _too_large(limit, len(value) // 4 * 3)
    # Most come in one line: to ask for a line break is far less work than to copy the text.
    if "\n" in value or "\r" in value:
        value = value.replace("\r", "").replace("\n", "")
    return _base64(value, limit)


def decode_redirect(value: str, *, limit: int = 262_144) -> bytes:
    """The message in a query parameter, already percent-decoded [SAMLBind 3.4.4.1]: base64 of a raw DEFLATE stream.

    Inflating stops at `limit`: a thousand octets can hold a megabyte. The stream must end, and nothing may follow it.
    """
    squeezed = _base64(value, limit)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        octets = inflater.decompress(squeezed, limit + 1)
    except zlib.error:
        raise Refused("saml.deflate", "The message is not DEFLATE-compressed as [SAMLBind 3.4.4.1] wants it.") from None
    if len(octets) > limit:
        raise _too_large(limit, f"more than {limit}")
    if not inflater.eof or inflater.unused_data:
        raise Refused("saml.deflate", "The compressed message is cut off, or something follows it.")
    return octets


def redirect_url(
    destination: str,
    *,
    parameter: str,
    message: bytes,
    relay_state: str | None,
    sign: Callable[[bytes], bytes] | None,
    algorithm: str | None,
) -> str:
    """`destination` with the message in its query, its own query and fragment kept [SAMLBind 3.4.4.1].

    The signature is made over exactly the octets that are sent: `parameter=…&RelayState=…&SigAlg=…`, in this order,
    a RelayState that there is none of left out.
    """
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    squeezed = deflater.compress(message) + deflater.flush()
    pairs = [(parameter, base64.b64encode(squeezed).decode("ascii"))]
    if relay_state is not None:
        pairs.append(("RelayState", relay_state))
    if sign is not None:
        if algorithm is None:
            raise ValueError("a signature needs the name of its algorithm")
        pairs.append(("SigAlg", algorithm))
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    if sign is not None:
        signature = base64.b64encode(sign(query.encode("ascii"))).decode("ascii")
        query += f"&Signature={quote(signature, safe='')}"
    parts = urlsplit(destination)
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))


def post_fields(parameter: str, message: bytes, relay_state: str | None) -> dict[str, str]:
    """The hidden fields of the form that carries `message` [SAMLBind 3.5.4]."""
    fields = {parameter: base64.b64encode(message).decode("ascii")}
    if relay_state is not None:
        fields["RelayState"] = relay_state
    return fields


def _base64(value: str, limit: int) -> bytes:
    if len(value) // 4 * 3 > limit + 2:
        raise _too_large(limit, len(value) // 4 * 3)
    octets = base64_octets(value)
    if not octets:
        raise Refused("saml.base64", "The message is not base64, or empty.")
    if len(octets) > limit:
        raise _too_large(limit, len(octets))
    return octets


def _too_large(limit: int, size: int | str) -> Refused:
    return Refused(
        "saml.too_large", "The message is larger than allowed.", want=f"<= {limit} bytes", got=f"{size} bytes"
    )
