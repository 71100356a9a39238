"""What is raised where a sentence stands that would not be translated."""


class UnreadError(ValueError):
    """Raised for a sentence that is no literal, or a file that cannot be read: its name, and the line."""

    def __init__(self, place: str, line: int, what: str) -> None:
        super().__init__(f"{place}:{line}: {what}")
