"""`capd fact`: whatever may be told of a subscriber, by the registry of facts."""

from typing import Annotated

import typer

from capd.cli.books import wait
from capd.cli.facts import tell
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, table
from capd.decide.facts import FACTS
from capd.errors import ConfigError
from capd.strict import did_you_mean

_TOLD = {name: kind for name, kind in FACTS.items() if kind.of_subscriber}


def fact(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Which; without one, what there is.", show_default=False
        ),
    ] = None,
    subscriber: Annotated[
        str | None, typer.Argument(metavar="SUBSCRIBER", help="Whose id.", show_default=False)
    ] = None,
    details: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE ...", help="Its fields.", show_default=False),
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Tell a fact of a subscriber: invoices, payments, add-ons, jobs and whatever else there is."""
    if name is None:
        _list(json=json)
        return
    if name not in _TOLD:
        problem = f"capd fact: there is no fact {name!r}.{did_you_mean(name, _TOLD)}"
        raise ConfigError(problem.removesuffix("."))
    if subscriber is None:
        raise ConfigError(f"capd fact {name}: SUBSCRIBER is missing: whose?")
    wait(tell(config, name, subscriber, _pairs(name, details or []), json=json))


def _pairs(name: str, written: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    wrong = []
    for word in written:
        key, equals, value = word.partition("=")
        if not equals:
            wrong.append(f"capd fact {name}: wants KEY=VALUE, not {word!r}")
        elif key in found:
            wrong.append(f"capd fact {name}: {key}: is given twice")
        found[key] = value
    if wrong:
        raise ConfigError(*wrong)
    return found


def _list(*, json: bool) -> None:
    if json:
        as_json(
            [
                {
                    "fact": name,
                    "help": kind.help,
                    "required": list(kind.required),
                    "optional": list(kind.optional),
                }
                for name, kind in _TOLD.items()
            ]
        )
        return
    rows = [
        (name, " ".join([*kind.required, *(f"[{key}]" for key in kind.optional)]), kind.help)
        for name, kind in _TOLD.items()
    ]
    table(("fact", "fields", "what it does"), rows, empty="No facts.")
