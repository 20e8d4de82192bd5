"""`python -m bench.silence`: how long each way of not opening an encrypted assertion takes, beside one that opens.

What an attacker wants to know is whether a changed message opened. The rows should not differ by more than the noise.
"""

import argparse
import statistics
import time
from contextlib import suppress
from dataclasses import replace

from lxml import etree
from tests.builders_saml import NAME, idp_key, keys, response_xml
from tests.xml.encrypter import How, encrypt

from vestibule.ground.errors import Refused
from vestibule.saml.names import saml
from vestibule.saml.response import ENCRYPTED_ASSERTION, read
from vestibule.saml.trust import verify
from vestibule.xml.encryption import XENC, Decryption

OURS = idp_key("ours")
GCM, CBC = How(), How(content=XENC + "aes128-cbc")


def flip(octets: bytes) -> bytes:
    return octets[:-1] + bytes([octets[-1] ^ 1])


def ways(how: How) -> dict[str, How]:
    """What comes of one message: the first is honest, the next two open and are not believed, the rest do not open."""
    return {
        "opens, believed": how,
        "opens, another's words": replace(
            how, plain=lambda octets: octets.replace(NAME.encode(), NAME.upper().encode())
        ),
        "opens, not signed": how,
        "wrong key": replace(how, wrap=flip),
        "bad tag or padding": replace(
            how, seal=lambda octets: octets[:-17] + bytes([octets[-17] ^ 0xFF]) + octets[-16:]
        ),
        "not UTF-8": replace(how, plain=lambda octets: octets[:200] + b"\xff" + octets[201:]),
        "not XML": replace(how, plain=lambda octets: octets[:200] + b"<<" + octets[202:]),
    }


def message(how: How, *, signed: bool) -> bytes:
    root = etree.fromstring(response_xml(sign="assertion" if signed else "none"))
    encrypt(root.find(saml("Assertion")), OURS.public_key(), ENCRYPTED_ASSERTION, how)
    return etree.tostring(root)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.silence", description=__doc__)
    parser.add_argument("--messages", type=int, default=1000, help="messages a row, in turn (%(default)s)")
    count = parser.parse_args().messages
    decryption = Decryption(keys=(OURS,), allow_cbc=True)
    for title, how in (("AES-256-GCM", GCM), ("AES-128-CBC", CBC)):
        made = {name: message(one, signed=name != "opens, not signed") for name, one in ways(how).items()}
        took: dict[str, list[int]] = {name: [] for name in made}
        for number in range(count + 20):
            for name, octets in made.items():
                began = time.perf_counter_ns()
                with suppress(Refused):
                    verify(read(octets), keys=keys(), decryption=decryption)
                if number >= 20:
                    took[name].append(time.perf_counter_ns() - began)
        print(f"{title}, {count} messages a row, microseconds: median (quartiles)")
        for name, times in took.items():
            low, median, high = (round(one / 1000) for one in statistics.quantiles(times, n=4))
            print(f"  {name:<24} {median:>6} ({low} to {high})")


if __name__ == "__main__":
    main()
