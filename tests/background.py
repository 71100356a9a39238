"""A run in a shell's background is as one in its foreground."""

import signal


def pytest_configure() -> None:
    """Hear SIGINT again, which such a shell has ignored: whatever is started here would ignore it too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
