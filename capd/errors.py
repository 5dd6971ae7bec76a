"""Errors that somebody handles differently; what is normal is a value, not an error."""


class CapdError(Exception):
    """Say one thing that went wrong, in words for the person who must put it right."""


class ConfigError(CapdError):
    """A file or a setting is wrong: nothing was started and nothing was changed (exit code 2)."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems: tuple[str, ...] = problems


class CannotBeDone(CapdError):
    """The request is well formed and is refused, or its object does not exist (exit code 1)."""


class NoSuch(CannotBeDone):
    """What is asked about does not exist."""


class DeviceError(CapdError):
    """A device did not do what was asked of it."""


class DeviceUnreachable(DeviceError):
    """No answer, or a session that died: try again later."""


class DeviceRefused(DeviceError):
    """The device answered and said no (login, privilege, key): a person must look."""


class NonsenseFromDevice(DeviceError):
    """The device answered something that cannot be trusted."""


class StoreError(CapdError):
    """The database cannot be used as it is."""
