"""Who is served, with what, over which devices: read from files and written to them."""

import os
from pathlib import Path

from capd.errors import CannotBeDone
from capd.inventory.agree import check
from capd.inventory.credentials import resolve
from capd.inventory.files import read
from capd.inventory.libreqos import libreqos_files, unshaped
from capd.inventory.written import csv_files, json_files
from capd.model import Inventory

__all__ = ["FORMATS", "check", "read", "resolve", "unshaped", "write"]

FORMATS = {"json": json_files, "csv": csv_files, "libreqos": libreqos_files}


def write(inventory: Inventory, form: str, folder: Path) -> list[Path]:
    """Write *inventory* into *folder* as json, csv or libreqos; return the files written.

    They may hold credentials, so that only their owner may read them. Raises CannotBeDone.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in FORMATS[form](inventory).items():
            path = folder / name
            _replace(path, text)
            written.append(path)
    except OSError as exc:
        raise CannotBeDone(f"{folder}: cannot write there: {exc.strerror or exc}") from None
    return written


def _replace(path: Path, text: str) -> None:
    """Put *text* at *path* in one go: whoever reads it sees the old file or the whole new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
