"""What goes wrong with a directory, as a code with details; ``texts`` says it to people."""


class DirectoryError(Exception):
    """A directory cannot be used. ``code`` is a key of ``texts.PROBLEMS``."""

    def __init__(self, code: str, **details: str | int) -> None:
        super().__init__(f"{code} {details}")
        self.code = code
        self.details = details

    def as_json(self) -> dict[str, str | int]:
        return {"code": self.code, **self.details}


class UnreachableError(DirectoryError):
    """One server does not answer or is not trusted; the next one may be."""


class UnavailableError(DirectoryError):
    """The question could not be answered: no server answers, or the answer is not complete."""
