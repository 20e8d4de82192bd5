"""Where the log goes and how it is written: one JSON object a line, to stderr, in every process alike."""

import contextlib
import sys
from collections.abc import MutableMapping
from traceback import walk_tb
from typing import Any, TextIO, cast

import structlog


def _frames_only(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as its type and its frames. Its message and the frames' locals may hold codes, tokens, assertions."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["exception"] = f"{type(error).__module__}.{type(error).__qualname__}"
        event["frames"] = [
            f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}" for frame, line in walk_tb(error.__traceback__)
        ]
    return event


class Unhindered:
    """A file for log lines of which a full disk, or a reader that has gone, loses lines and nothing else.

    Nobody is to be refused a login, or answered nothing, because it could not be logged. Once there is room again,
    lines arrive again.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):  # a closed file is a ValueError
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()


def configure() -> None:
    """To be called once in every process, workers included, before anything is logged."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _frames_only,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, Unhindered(sys.stderr))),
        cache_logger_on_first_use=True,
    )
