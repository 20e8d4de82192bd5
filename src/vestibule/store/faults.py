"""What the store raises when the caller is at fault: a bug, never a refusal."""


class AlreadyKept(Exception):
    """A record was inserted twice whose key is random and may come once; nothing of the transaction was kept.

    Not a `Refused`: no request can cause it, only code that keeps the same record again.
    """
