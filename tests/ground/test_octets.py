"""Strict base64: what every reader agrees on, and nothing else."""

import binascii
import itertools

import pytest

from vestibule.ground.octets import base64_octets

ODD = ("\0", "\t", "\n", "\r", " ", "!", '"', "\\", "-", "_", "=", "\x7f", "\xa0", "é", "Ā", "\ud800", "\U0001f511")


def as_the_standard_library_reads_it(text: str) -> bytes:
    """`binascii` is strict but for one thing: it passes over any number of `=` behind a whole group."""
    try:
        octets = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError:
        return b""
    return octets if len(text) == (len(octets) + 2) // 3 * 4 else b""


def test_it_reads_as_the_standard_library_does_whatever_is_done_with_padding() -> None:
    for length in range(10):
        for letters in itertools.product("Ab=", repeat=length):
            text = "".join(letters)
            assert base64_octets(text) == as_the_standard_library_reads_it(text), text


@pytest.mark.parametrize("whole", ["QUJDREVG", "QUJDREU=", "QUJDRA==", "QQ==", "AAAA"])
def test_a_character_of_no_alphabet_is_refused_wherever_it_stands(whole: str) -> None:
    assert base64_octets(whole) == binascii.a2b_base64(whole)
    for at, odd in itertools.product(range(len(whole) + 1), ODD):
        for text in (whole[:at] + odd + whole[at:], whole[:at] + odd + whole[at + 1 :]):
            assert base64_octets(text) == as_the_standard_library_reads_it(text), text


def test_each_letter_stands_for_its_own_six_bits() -> None:
    every = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert base64_octets(every) == binascii.a2b_base64(every)
