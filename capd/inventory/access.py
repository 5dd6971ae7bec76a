"""How a device is read and configured, as it is written in a file."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    model_validator,
)

from capd.inventory import values
from capd.inventory.credentials import as_secret
from capd.model import Secret, SnmpAccess, SshAccess

Line = Annotated[str, AfterValidator(values.line)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Written = Annotated[Secret, PlainValidator(as_secret)]

_SHORTEST_KEY = 8  # RFC 3414 11.2: what a key is made of has at least eight characters


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SnmpRow(_Strict):
    """How a device is read over SNMP."""

    version: Literal["1", "2c", "3"] = "2c"
    port: Port = 161
    community: Written | None = None
    user: Line | None = None
    auth: Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] | None = None
    auth_key: Written | None = None
    priv: Literal["des", "aes128", "aes192", "aes256"] | None = None
    priv_key: Written | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.version != "3" and self.community is None:
            raise ValueError(f"community is missing: version {self.version} has no other key")
        if self.version == "3" and self.user is None:
            raise ValueError("user is missing: version 3 names one")
        for name, key in (("auth", self.auth_key), ("priv", self.priv_key)):
            if (getattr(self, name) is None) != (key is None):
                raise ValueError(f"{name} and {name}_key go together: one of them is missing")
            if key is not None and len(key.reveal()) < _SHORTEST_KEY and not _refers(key):
                raise ValueError(f"{name}_key wants at least {_SHORTEST_KEY} characters")
        if self.priv is not None and self.auth is None:
            raise ValueError("auth is missing: priv needs it")
        return self

    def access(self) -> SnmpAccess:
        """Return the access itself."""
        return SnmpAccess(**{name: getattr(self, name) for name in SnmpRow.model_fields})


class SshRow(_Strict):
    """How a device is configured."""

    username: Line
    port: Port = 22
    password: Written | None = None
    key_file: Annotated[str, AfterValidator(values.key_file)] | None = None
    host_key: Annotated[str, AfterValidator(values.host_key)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.password is None and self.key_file is None:
            raise ValueError("wants a password or a key_file")
        return self

    def access(self) -> SshAccess:
        """Return the access itself."""
        return SshAccess(**{name: getattr(self, name) for name in SshRow.model_fields})


class MqttRow(_Strict):
    """What a device calls itself in its topics."""

    name: Line

    @model_validator(mode="after")
    def _level(self) -> Self:
        if set(self.name) & set("+#/"):
            raise ValueError("name is one level of a topic: no +, # or / in it")
        return self


def _refers(key: Secret) -> bool:
    return key.reveal().startswith(("env:", "file:"))
