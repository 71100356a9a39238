"""What a model's files can be wrong with, so that nothing is answered from them."""


class Unusable(Exception):
    """Raised for a model's files that must not be used; `remedy` is what to do instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy
