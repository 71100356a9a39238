"""Tests that run as a background job of a shell get the signals of a foreground job."""

import signal


def pytest_configure() -> None:
    """Reset SIGINT, which such a shell sets to ignored, and which child processes would inherit so."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
