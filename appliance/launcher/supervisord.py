"""Run supervisord with logs that cannot stop it.

    python -m appliance.launcher.supervisord -n -c supervisord.conf

supervisord ends, or stops reading the output of a program, when a log cannot be written. Here a
line that cannot be written is dropped, and writing goes on as soon as the disk allows it.
"""

import contextlib
import os

from supervisor import loggers, supervisord


class LogFile(loggers.Handler):
    """A rotated log file, opened for each record: nothing is left half-open after an error."""

    def __init__(
        self,
        filename: str,
        mode: str = "ab",
        maxBytes: int = 0,  # noqa: N803 - supervisor passes it by this name
        backupCount: int = 0,  # noqa: N803
    ) -> None:
        super().__init__()
        self.baseFilename = filename
        self._max_bytes, self._backups = maxBytes, backupCount

    def emit(self, record: loggers.LogRecord) -> None:
        with contextlib.suppress(OSError):
            self._rotate()
        with contextlib.suppress(OSError):
            self._append(self._line(record))

    def _line(self, record: loggers.LogRecord) -> bytes:
        if self.fmt == "%(message)s" and isinstance(record.msg, bytes):  # output of a program
            return record.msg
        return (self.fmt % record.asdict()).encode(errors="replace")

    def _append(self, line: bytes) -> None:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def _rotate(self) -> None:
        if not self._max_bytes or os.stat(self.baseFilename).st_size < self._max_bytes:
            return
        for number in range(self._backups, 0, -1):
            newer = f"{self.baseFilename}.{number - 1}" if number > 1 else self.baseFilename
            with contextlib.suppress(FileNotFoundError):
                os.replace(newer, f"{self.baseFilename}.{number}")

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            os.remove(self.baseFilename)

    def reopen(self) -> None:
        """Do nothing: each record opens the file."""

    def close(self) -> None:
        """Do nothing: no file is open."""

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""


def main() -> None:
    """Run supervisord with the arguments of this process."""
    loggers.FileHandler = loggers.RotatingFileHandler = LogFile
    supervisord.main()


if __name__ == "__main__":
    main()
