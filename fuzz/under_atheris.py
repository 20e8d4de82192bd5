"""One target under the coverage-guided fuzzer, in a process of its own: libFuzzer ends the process that it runs in."""

import hashlib
import sys
from pathlib import Path

import atheris

# What is imported within is instrumented: our own code and the Python that it hands a stranger's bytes to.
with atheris.instrument_imports(include=["vestibule", "joserfc", "urllib.parse", "http.cookies", "starlette.requests"]):
    from fuzz.targets.table import TARGETS

from fuzz.signers import acquaint

if __name__ == "__main__":
    acquaint()
    target, kept = TARGETS[sys.argv.pop(1)], Path(sys.argv.pop(1))

    def one(data: bytes) -> None:
        """Keeps a finding itself, under libFuzzer's name for it: that one may be killed by its own alarm before it writes."""
        try:
            target(data)
        except BaseException:
            (kept / f"crash-{hashlib.sha1(data, usedforsecurity=False).hexdigest()}").write_bytes(data)
            raise

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
