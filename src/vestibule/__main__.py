"""The entry point: reads the environment, hands the parts to the command line."""

import sys

_INTERRUPTED = 130
"""How a command ends that Ctrl-C stopped, as shells have it: 128 and the number of the signal."""


def main() -> None:
    """`vestibule …`"""
    try:
        # Imported here because they take most of a second, in which somebody may think better of it.
        from vestibule import assembly
        from vestibule.cli.main import build
        from vestibule.cli.parts import Parts
        from vestibule.demo.command import run as run_demo
        from vestibule.outside import logs

        logs.configure()
        command = build(
            Parts(
                load_settings=assembly.load_settings,
                open_house=assembly.open_house,
                run_server=assembly.run_server,
                run_demo=run_demo,
            )
        )
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    command(prog_name="vestibule")


if __name__ == "__main__":
    main()
