"""The seal: what it closes opens only for its own master key and only in its own place."""

import pytest

from vestibule.ground.errors import Refused
from vestibule.keys.seal import Seal

SEAL = Seal(master_key=b"m" * 32)
NONCE = b"n" * 12


def test_what_is_sealed_opens_again_and_does_not_show() -> None:
    sealed = SEAL.close("private", about="a", nonce=NONCE)
    assert b"private" not in sealed
    assert SEAL.open(sealed, about="a") == "private"


def test_a_seal_does_not_show_its_key() -> None:
    assert "m" * 8 not in repr(SEAL)


SEALED = SEAL.close("private", about="a", nonce=NONCE)


@pytest.mark.parametrize(
    ("seal", "sealed", "about"),
    [
        (Seal(master_key=b"x" * 32), SEALED, "a"),
        (SEAL, SEALED, "b"),
        (SEAL, SEALED[:-1] + bytes([SEALED[-1] ^ 1]), "a"),
        (SEAL, b"x" + SEALED[1:], "a"),
        (SEAL, b"", "a"),
    ],
)
def test_another_master_key_another_place_or_another_byte_opens_nothing(seal: Seal, sealed: bytes, about: str) -> None:
    with pytest.raises(Refused) as refused:
        seal.open(sealed, about=about)
    assert refused.value.code == "keys.unsealable"


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_master_key_has_32_bytes(length: int) -> None:
    with pytest.raises(Refused) as refused:
        Seal(master_key=bytes(length))
    assert refused.value.code == "keys.master_key"


def test_each_purpose_has_a_key_of_its_own_that_stays_the_same() -> None:
    assert SEAL.derive("one") == Seal(master_key=b"m" * 32).derive("one")
    assert len({SEAL.derive("one"), SEAL.derive("two"), Seal(master_key=b"x" * 32).derive("one"), b"m" * 32}) == 4
