"""A clock that a test sets."""


class Clock:
    """Gives `now_s`, in seconds, which a test moves."""

    def __init__(self, now_s: float = 1_000_000_000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s
