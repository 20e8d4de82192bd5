"""What a target promises of whatever it accepts."""


class Broken(Exception):
    """An accepted value lacks a property that all accepted values have: a finding."""


def hold(so: bool, promise: str) -> None:
    if not so:
        raise Broken(promise)
