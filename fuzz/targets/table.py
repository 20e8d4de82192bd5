"""All targets by name: what `./dev fuzz TARGET` takes, and what every vector below tests/vectors/fuzz is replayed on."""

from collections.abc import Callable, Mapping

from fuzz.targets import encrypted, requests, saml

TARGETS: Mapping[str, Callable[[bytes], bool]] = {**saml.ALL, **encrypted.ALL, **requests.ALL}
"""Each takes any bytes, returns whether the decoder accepted them, and raises anything at all for a finding."""
