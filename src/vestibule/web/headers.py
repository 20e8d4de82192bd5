"""The headers of a request, as they stand in it: names in lower case, values as Latin-1 [RFC 9110 5.5]."""

from starlette.requests import Request


def first(request: Request, name: bytes) -> str | None:
    """The first value of this header (its name in lower case); None where it was not sent."""
    for said, value in request.scope["headers"]:
        if said == name:
            text: str = value.decode("latin-1")
            return text
    return None


def every(request: Request, name: bytes) -> list[str]:
    """All values of this header, in order."""
    return [value.decode("latin-1") for said, value in request.scope["headers"] if said == name]
