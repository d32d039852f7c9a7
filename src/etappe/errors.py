"""One root exception. The message of each says what is wrong, where, and what to do about it."""


class EtappeError(Exception):
    """Something Etappe was asked to do could not be done; the message names the place and the remedy."""


class InputError(EtappeError):
    """Input that a user can mend: a file, a row, a field, an option."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class TooMuchError(InputError):
    """Input that is understood and asks for more than one request may; less of it is taken."""


class SettingsError(InputError):
    """The settings file or an environment variable holds something Etappe cannot use."""


class StoreError(EtappeError):
    """Redis, or the embedded server in its place, does not do what Etappe needs of it."""


class StoreUnavailableError(StoreError):
    """Redis did not answer, or not within its budget. Worth trying again."""


class GenerationError(StoreError):
    """Redis is not the one that was left: emptied, set back, or of another shop. It is refused until it is rebuilt."""


class StoreFullError(StoreError):
    """Redis has come to its maxmemory and refuses to write. Worth trying again once the worker has made room."""

    def __init__(self) -> None:
        super().__init__(
            "Redis is full and takes nothing new. A running `etappe worker` makes room by archiving what waits; where"
            " that is not enough, raise maxmemory (of the embedded server: store.memory_mib). Then send the same again"
        )


class DataError(EtappeError):
    """A file of the log, of a snapshot or of the catalogue is damaged or of a version this Etappe does not know."""


class DamagedFileError(DataError):
    """A live file of the log is gone, changed or unreadable; the message says which rows it held."""


class NotFoundError(EtappeError):
    """What was asked for by name does not exist."""
