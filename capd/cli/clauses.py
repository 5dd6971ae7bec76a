"""`capd clauses`: the clauses of the terms, and the settings of the policy that go with each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from capd import config as configuration
from capd import policies
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, table
from capd.decide.clauses import TITLES
from capd.errors import CannotBeDone
from capd.policies.cited import Settings, cited
from capd.strict import did_you_mean, read_toml


def clauses(
    clause: Annotated[
        str | None, typer.Argument(metavar="CLAUSE", help="Such as UC-4.", show_default=False)
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List the clauses of the terms, and what the policy in force sets for each."""
    listed = configuration.load(configuration.find(config)).decide.policies
    newest = max(map(Path, listed), key=lambda path: policies.load(path).valid_from)
    settings = cited(read_toml(newest))
    known = list(dict.fromkeys([*TITLES, *settings]))
    if clause is not None and clause not in known:
        problem = f"there is no clause {clause!r}.{did_you_mean(clause, known)}"
        raise CannotBeDone(problem.removesuffix("."))
    wanted = known if clause is None else [clause]
    if json:
        as_json([_record(one, settings) for one in wanted])
        return
    rows = [
        (one, TITLES.get(one, ""), _told(settings.get(one, {}), whole=clause is not None))
        for one in wanted
    ]
    table(("clause", "about", "settings"), rows, empty="No clauses.")


def _record(clause: str, settings: Mapping[str, Settings]) -> dict[str, object]:
    return {
        "clause": clause,
        "about": TITLES.get(clause, ""),
        "settings": settings.get(clause),
    }


def _told(settings: Settings, *, whole: bool) -> str:
    if whole:
        return ", ".join(f"{key} = {value}" for key, value in settings.items())
    return ", ".join(settings)
