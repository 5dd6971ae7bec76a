"""What a failed login means, in words: who must do something, and what; keys out of files."""

from pathlib import Path

from paramiko import BadHostKeyException, PKey, SSHException, Transport  # type: ignore[import-untyped]
from paramiko.ssh_exception import IncompatiblePeer  # type: ignore[import-untyped]

from capd.errors import DeviceRefused, DeviceUnreachable

_NOT_A_REFUSAL = ("timeout", "EOF", "shut down")  # paramiko calls a lost login "failed", too
_WORDS = (
    ("not found in known_hosts", DeviceRefused,
     "shows a host key of another type than the one we know: nothing was typed"),
    ("No authentication methods", DeviceRefused, "has neither password nor key_file"),
    ("banner", DeviceUnreachable, "took the connection, and did not greet as SSH does"),
    ("No existing session", DeviceUnreachable, "took the connection, and did not greet in time"),
    ("prompt", DeviceUnreachable, "let us in, and showed no prompt that we know"),
    ("special_login_handler", DeviceUnreachable, "let us in, and showed no prompt that we know"),
)  # fmt: skip


def private_key(path: str | None) -> PKey | None:
    """Return the private key in the file at *path*.

    Raises DeviceRefused with a sentence: missing, unreadable, with a passphrase, of no known kind.
    """
    if path is None:
        return None
    try:
        return PKey.from_path(Path(path).expanduser())
    except OSError as exc:
        raise DeviceRefused(f"its key file {path} cannot be read: {exc.strerror}") from exc
    except (SSHException, ValueError, TypeError) as exc:
        raise DeviceRefused(f"its key file {path} cannot be used: {exc}") from exc


def shown_key(transport: Transport | None) -> str | None:
    """Return the host key that the device showed, as an inventory writes it."""
    if transport is None:
        return None
    key = transport.get_remote_server_key()
    return f"{key.get_name()} {key.get_base64()}"


def login_error(exc: Exception) -> DeviceRefused | DeviceUnreachable:
    """Return what an authentication error means: refused, or only lost meanwhile."""
    cause = str(exc.__context__ or exc)
    if any(word in cause for word in _NOT_A_REFUSAL):
        return DeviceUnreachable("was lost while we logged in")
    return DeviceRefused("refused the login: check its username, and its password or key")


def connect_error(exc: Exception) -> DeviceRefused | DeviceUnreachable:
    """Return what a failed connection means; Netmiko's *exc* hides paramiko's error behind it."""
    cause = exc.__context__ or exc
    if isinstance(cause, BadHostKeyException):
        return DeviceRefused(
            f"shows another host key than before ({cause.key.fingerprint}): nothing was typed; "
            "if the device was replaced or reset, forget its old key"
        )
    if isinstance(cause, IncompatiblePeer):
        return DeviceRefused(f"speaks no SSH that we speak: {cause}")
    for words, kind, sentence in _WORDS:
        if words in str(cause):
            return kind(sentence)
    return DeviceUnreachable("was lost while we logged in")
