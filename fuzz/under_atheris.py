"""One target under the coverage-guided fuzzer, in a process of its own: libFuzzer ends the process that it runs in."""

import sys

import atheris

# What is imported within is instrumented: our own code and the Python that it hands a stranger's bytes to.
with atheris.instrument_imports(include=["vestibule", "joserfc", "urllib.parse", "http.cookies", "starlette.requests"]):
    from fuzz.targets.table import TARGETS

from fuzz.signers import acquaint

if __name__ == "__main__":
    acquaint()
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, lambda data: (target(data), None)[1])
    atheris.Fuzz()
