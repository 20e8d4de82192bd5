"""The entry point: reads the environment, hands the parts to the command line."""

from vestibule import assembly
from vestibule.cli.main import build
from vestibule.cli.parts import Parts
from vestibule.demo.command import run as run_demo
from vestibule.outside import logs


def main() -> None:
    """`vestibule …`"""
    logs.configure()
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
