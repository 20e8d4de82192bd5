"""Where the log goes and how it is written: one JSON object a line, to stderr, in every process alike."""

import sys
from collections.abc import MutableMapping
from traceback import walk_tb
from typing import Any

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
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
