"""Keeping strangers' names out of memory that is never given back [house rule]: a parser remembers every name, per thread.

libxml2 enters each element's, attribute's, prefix's and namespace's name, and some white space, into a dictionary that
lives as long as the thread. So a document's names are listed first, by a reader that remembers nothing and of whose
reading nothing else is used; only a well-formed document whose names are familiar is parsed in the calling thread, any
other in a thread that ends with it. Nothing is refused, and nothing is believed, for what that list says.
"""

import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar
from xml.parsers import expat

from lxml import etree

MAX_FAMILIAR: Final = 2_000
MAX_FAMILIAR_SIZE: Final = 65_536
"""Names, and characters of them, that a process comes to know; what bounds the dictionaries of its lasting threads."""
MAX_NEW: Final = 200
"""New names in one document, for it to be learned from: no message of an honest sender has more."""

DEFAULT: Final = "#default"
_BLANKS: Final = bytes.maketrans(b"\t\r\n", b"   ")
_STRANGE_INDENT: Final = re.compile(rb"(?<![ \t\r\n])(?!\r?\n(?: {0,64}|\t{0,16})<)[ \t\r\n]{16,}<")
_PREFIX: Final = re.compile(r"[A-Za-z_][\w.\-]*", re.ASCII)

_T = TypeVar("_T")
_familiar: Final[set[str | None]] = {None}  # None is what the reader calls the default namespace's prefix
_familiar_size = 0
_learning: Final = threading.Lock()
_entered: Final = threading.local()


def parsed(octets: bytes, *, here: Callable[[], _T], apart: Callable[[], _T]) -> _T:
    """What `here` returns or raises, or what `apart` does in a thread of its own if `octets` hold names that are not familiar.

    `apart` must make a parser of its own: with one that another thread has used, it would go on with that one's dictionary.
    """
    prefixes = (DEFAULT,) if DEFAULT.encode() in octets else ()
    enter(prefixes)  # here in any case: the signature is verified in this thread, wherever the document was parsed
    if _is_familiar(octets):
        return here()

    def run() -> _T:
        enter(prefixes)
        return apart()

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="parse") as thread:
        return thread.submit(run).result()


def enter(prefixes: Sequence[str]) -> None:
    """Put the prefixes of a PrefixList into this thread's dictionary, which is where lxml looks them up.

    One that is not there it leaves out without a word: `#default` always, being no name, and any other if the document
    was parsed in another thread. Only for `#default`, and for what a connection's key has signed.
    """
    if not prefixes:
        return
    known: set[str] = _entered.__dict__.setdefault("prefixes", set())
    for prefix in set(prefixes) - known:
        if prefix == DEFAULT:
            etree.HTML(f"<p {DEFAULT}=1>", etree.HTMLParser())
        elif _PREFIX.fullmatch(prefix):
            etree.fromstring(f'<a xmlns:{prefix}="u:{prefix}"/>', etree.XMLParser())
        known.add(prefix)


def _is_familiar(octets: bytes) -> bool:
    """Whether all that the dictionary would take is known, or may still be learned. False for what is not well-formed."""
    names: dict[str, str] = {}
    reader = expat.ParserCreate("utf-8", " ", names)
    reader.namespace_prefixes = True
    reader.ordered_attributes = True
    reader.StartElementHandler = reader.StartNamespaceDeclHandler = names.get  # any handler, for the names to be kept
    try:
        reader.Parse(octets, True)
    except expat.ExpatError:
        return False
    if b" " * 16 in octets.translate(_BLANKS) and _STRANGE_INDENT.search(octets):
        return False
    return names.keys() <= _familiar or _learned(names.keys() - _familiar)


def _learned(new: set[str]) -> bool:
    global _familiar_size
    size = sum(map(len, new))
    with _learning:
        if len(new) > MAX_NEW or len(_familiar) + len(new) > MAX_FAMILIAR or _familiar_size + size > MAX_FAMILIAR_SIZE:
            return False
        _familiar.update(new)
        _familiar_size += size
    return True
