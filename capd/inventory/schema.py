"""The inventory as it is written in a file: its keys, and what they become."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from capd.inventory import values
from capd.inventory.access import MqttRow, SnmpRow, SshRow
from capd.model import (
    Counts,
    Device,
    DeviceId,
    Down,
    Inventory,
    Kind,
    Meter,
    Product,
    ProductId,
    Role,
    Sector,
    SectorId,
    Subscriber,
    SubscriberId,
    Unit,
)
from capd.units import bps_of, bytes_of, seconds_of


def _cap(text: str | int, info: ValidationInfo) -> int:
    seconds = info.data.get("unit") is Unit.SECONDS  # D-1
    return seconds_of(text) if seconds else bytes_of(text)


Line = Annotated[str, AfterValidator(values.line)]
Paragraph = Annotated[str, AfterValidator(values.paragraph)]
Host = Annotated[str, AfterValidator(values.host)]
Cap = Annotated[int, BeforeValidator(_cap)]
Rate = Annotated[int, BeforeValidator(bps_of), Field(gt=0)]
Price = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=4)]
Settings = dict[Line, Annotated[str, AfterValidator(values.paragraph)]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProductRow(_Strict):
    """A product as it is written."""

    id: Line
    name: Line
    kind: Kind = Kind.MONTHLY
    unit: Unit = Unit.BYTES  # before the cap, which is read by it
    cap: Cap | None = None
    counts: Counts = Counts.BOTH
    down: Rate | None = None
    up: Rate | None = None
    price: Price | None = None
    family: Line = "broadband"
    upgrade_to: Line | None = None
    delay_h: int | None = Field(default=None, ge=0)
    term_months: int | None = Field(default=None, ge=0, le=120)
    terms_from: date | None = Field(default=None, alias="from")
    withdrawn_on: date | None = None
    replaced_by: Line | None = None

    @model_validator(mode="after")
    def _balance_or_cap(self) -> Self:
        if self.kind is Kind.PREPAID and self.cap is not None:
            raise ValueError("a prepaid product has a balance that is bought, and no cap")
        return self

    def product(self) -> Product:
        """Return the product itself."""
        return Product(
            id=ProductId(self.id),
            name=self.name,
            cap_bytes=self.cap,
            counts=self.counts,
            down_bps=self.down,
            up_bps=self.up,
            price=self.price,
            family=self.family,
            upgrade_to=None if self.upgrade_to is None else ProductId(self.upgrade_to),
            delay_h=self.delay_h,
            unit=self.unit,
            term_months=self.term_months,
            terms_from=self.terms_from,
            withdrawn_on=self.withdrawn_on,
            replaced_by=None if self.replaced_by is None else ProductId(self.replaced_by),
            kind=self.kind,
        )


class SectorRow(_Strict):
    """A sector as it is written."""

    id: Line
    capacity_down: Rate | None = None
    capacity_up: Rate | None = None

    def sector(self) -> Sector:
        """Return the sector itself."""
        return Sector(
            id=SectorId(self.id),
            capacity_down_bps=self.capacity_down,
            capacity_up_bps=self.capacity_up,
        )


class SubscriberRow(_Strict):
    """A subscriber as they are written."""

    id: Line
    name: Line
    email: Annotated[str, AfterValidator(values.email)] | None = None
    product: Line
    cycle_day: int = Field(default=1, ge=1, le=31)
    sector: Line | None = None
    address: Paragraph | None = None
    linked: tuple[Line, ...] = ()
    shares_address: bool = False

    def subscriber(self) -> Subscriber:
        """Return the subscriber themselves."""
        return Subscriber(
            id=SubscriberId(self.id),
            name=self.name,
            product=ProductId(self.product),
            email=self.email,
            cycle_day=self.cycle_day,
            sector=None if self.sector is None else SectorId(self.sector),
            address=self.address,
            linked=self.linked,
            shares_address=self.shares_address,
        )


class MeterRow(_Strict):
    """A meter as it is written, within its device."""

    id: Line
    subscriber: Line
    if_name: Line | None = Field(default=None, alias="ifName")
    table: Line | None = None
    row: Line | None = None
    down: Down | None = None
    role: Role = Role.MAIN
    counter_bits: Literal[32, 64] | None = None
    link: Rate | None = None
    settings: Settings = {}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.table is None) != (self.row is None):
            raise ValueError("table and row go together: one of them is missing")
        if self.table is not None and self.if_name is not None:
            raise ValueError("ifName or table and row: a meter is one of them")
        return self

    def meter(self) -> Meter:
        """Return the meter itself."""
        return Meter(
            id=self.id,
            subscriber=SubscriberId(self.subscriber),
            if_name=self.if_name,
            table=self.table,
            row=self.row,
            down=self.down or (Down.IN if self.table is None else None),
            role=self.role,
            counter_bits=self.counter_bits,
            link_bps=self.link,
            settings=self.settings,
        )


class DeviceRow(_Strict):
    """A device as it is written."""

    id: Line
    profile: Line
    address: Host | None = None
    serial: Line | None = None
    mac: Annotated[str, AfterValidator(values.mac)] | None = None
    snmp: SnmpRow | None = None
    ssh: SshRow | None = None
    mqtt: MqttRow | None = None
    collect: Literal["snmp", "mqtt"] | None = None
    settings: Settings = {}
    interval_s: int | None = Field(default=None, ge=1)
    meters: tuple[MeterRow, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.address is None and (self.snmp is not None or self.ssh is not None):
            raise ValueError("address is missing: snmp and ssh go there")
        if self.collect is not None and getattr(self, self.collect) is None:
            raise ValueError(f"{self.collect} is missing: collect asks for it")
        return self

    def device(self) -> Device:
        """Return the device itself."""
        return Device(
            id=DeviceId(self.id),
            profile=self.profile,
            address=self.address,
            serial=self.serial,
            mac=self.mac,
            snmp=None if self.snmp is None else self.snmp.access(),
            ssh=None if self.ssh is None else self.ssh.access(),
            mqtt_name=None if self.mqtt is None else self.mqtt.name,
            collect=self.collect,
            settings=self.settings,
            interval_s=self.interval_s,
            meters=tuple(row.meter() for row in self.meters),
        )


_TOLD_TOO = frozenset({"cycle_day", "address"})
"""What facts change as well, so that a file which says nothing of it leaves it."""


class InventoryFile(_Strict):
    """The whole file."""

    products: tuple[ProductRow, ...] = ()
    sectors: tuple[SectorRow, ...] = ()
    subscribers: tuple[SubscriberRow, ...] = ()
    devices: tuple[DeviceRow, ...] = ()

    def inventory(self) -> Inventory:
        """Return the inventory itself."""
        return Inventory(
            products=tuple(row.product() for row in self.products),
            sectors=tuple(row.sector() for row in self.sectors),
            subscribers=tuple(row.subscriber() for row in self.subscribers),
            devices=tuple(row.device() for row in self.devices),
            silent={
                SubscriberId(row.id): frozenset(_TOLD_TOO - row.model_fields_set)
                for row in self.subscribers
            },
            sold_again=frozenset(
                ProductId(row.id)
                for row in self.products
                if row.withdrawn_on is None and "withdrawn_on" in row.model_fields_set
            ),
        )
