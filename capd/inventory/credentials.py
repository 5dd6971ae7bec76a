"""A credential as it is written (a literal, env:NAME, file:PATH), and the text behind it."""

import os
from pathlib import Path

from capd.errors import ConfigError
from capd.model import Secret
from capd.strict import read_text


def as_secret(written: object) -> Secret:
    """Return *written* as a Secret; ValueError (which never echoes it) if it is no text."""
    if isinstance(written, Secret):
        return written
    if not isinstance(written, str) or not written:
        raise ValueError("wants text: the secret itself, env:NAME or file:PATH")
    if written in ("env:", "file:"):
        raise ValueError("wants a name after env: or a path after file:")
    return Secret(written)


def resolve(secret: Secret) -> Secret:
    """Return the credential behind *secret*: a file's last newline does not belong to it.

    Raises ConfigError with one line that never shows the credential.
    """
    written = secret.reveal()
    kind, _, name = written.partition(":")
    if kind == "env":
        found = os.environ.get(name)
        if not found:
            raise ConfigError(f"{name} is not set in the environment")
        return Secret(found)
    if kind == "file":
        return Secret(read_text(Path(name)).removesuffix("\n").removesuffix("\r"))
    return secret
