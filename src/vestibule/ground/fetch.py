"""Outgoing HTTP as a thing that is handed in."""

from typing import Protocol


class Fetch(Protocol):
    """Gets a document from the web."""

    async def get(self, url: str, *, limit: int) -> bytes:
        """The body found at `url`, of at most `limit` bytes.

        Raises `Refused("fetch.…")` for anything but a 200 within the limit and the time allowed.
        """
        ...
