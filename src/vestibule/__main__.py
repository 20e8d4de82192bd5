"""The entry point: reads the environment, hands the parts to the command line."""

import sys

import structlog

from vestibule import assembly
from vestibule.cli.main import build
from vestibule.cli.parts import Parts
from vestibule.demo.command import run as run_demo


def _log_to_stderr() -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def main() -> None:
    """`vestibule …`"""
    _log_to_stderr()
    build(
        Parts(
            load_settings=assembly.load_settings,
            open_house=assembly.open_house,
            run_server=assembly.run_server,
            run_demo=run_demo,
        )
    )()


if __name__ == "__main__":
    main()
