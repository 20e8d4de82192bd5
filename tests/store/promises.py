"""How a promise is put to an engine: an async test on an open store, in an event loop of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from vestibule.store.port import Store

Engine = Callable[[], Store]
"""Gives an unopened store, on the same data each time that it is called within one test."""


def promise(test: Callable[[Any, Store], Awaitable[None]]) -> Callable[[Any, Engine], None]:
    """Runs an async test in a loop of its own, on an open store."""

    def run(self: Any, engine: Engine) -> None:
        async def whole() -> None:
            store = engine()
            await store.open()
            try:
                await test(self, store)
            finally:
                await store.close()

        asyncio.run(whole())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run
