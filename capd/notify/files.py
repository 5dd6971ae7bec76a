"""Template files, and where in them something went wrong."""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jinja2 import BaseLoader, Environment, TemplateNotFound, TemplateSyntaxError, nodes

from capd.errors import ConfigError
from capd.strict import did_you_mean
from capd.told import TOLD

SHIPPED = Path(__file__).with_name("letters")
ENDINGS = (".j2", ".txt.j2", ".html.j2")
LAYOUTS = ("email.txt.j2", "email.html.j2")
NAMES = frozenset({"generic.j2", *LAYOUTS, *(f"{k}{end}" for k in TOLD for end in ENDINGS)})
"""What a template may be called. A name that begins with _ is for `include` and `import`: what it
shows is escaped for a page, unless it ends in .txt.j2."""

_LARGEST = 64 * 1024  # bytes
_MOST = 500


@dataclass(frozen=True, slots=True)
class Source:
    """A template file."""

    path: str
    text: str


class BadLetter(Exception):
    """A template cannot say what it must; the message names file and line."""


class Loader(BaseLoader):
    """Templates that were read before: rendering touches no disk."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        """Return the text and the path of *template*."""
        del environment
        source = self._sources.get(template)
        if source is None:
            raise TemplateNotFound(template)
        return source.text, source.path, None


def read(folder: Path) -> dict[str, Source]:
    """Return the templates in *folder* by name. Raises ConfigError with every misplaced file."""
    mistakes, found = [], {}
    try:
        paths = sorted(p for p in folder.iterdir() if p.is_file() and p.name[0] != ".")
    except OSError as exc:
        raise ConfigError(f"{folder}: {exc.strerror}") from None
    for path in paths[:_MOST]:
        mistake = _misnamed(path)
        if mistake is not None:
            mistakes.append(mistake)
        elif path.name.endswith(".j2"):
            try:
                found[path.name] = Source(str(path), _text(path))
            except (OSError, ValueError) as exc:
                mistakes.append(f"{path}: {exc}")
    if mistakes:
        raise ConfigError(*mistakes)
    return found


def _misnamed(path: Path) -> str | None:
    name = path.name
    if f"{name}.j2" in NAMES:
        return f"{path}: is not looked at: call it {name}.j2"
    if not name.endswith(".j2") or name in NAMES or name.startswith("_"):
        return None
    problem = f"{path}: there is no such template.{did_you_mean(name, sorted(NAMES))}"
    return problem.removesuffix(".")


def _text(path: Path) -> str:
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"larger than {_LARGEST} bytes")
    return path.read_text(encoding="utf-8")


@contextmanager
def named(path: str) -> Iterator[None]:
    """Turn whatever a template raises into a BadLetter that names the file and the line."""
    try:
        yield
    except BadLetter:
        raise
    except TemplateSyntaxError as exc:
        raise BadLetter(f"{exc.filename or path}:{exc.lineno}: {exc.message}") from exc
    except TemplateNotFound as exc:
        raise BadLetter(f"{_place(exc, path)}: there is no template {exc.name!r}") from exc
    except Exception as exc:
        raise BadLetter(f"{_place(exc, path)}: {exc or type(exc).__name__}") from exc


def _place(exc: BaseException, path: str) -> str:
    """Return the innermost template line that *exc* went through, as FILE:LINE."""
    place = path
    for frame, line in traceback.walk_tb(exc.__traceback__):
        if not frame.f_code.co_filename.endswith(".j2"):
            continue
        template = frame.f_globals.get("__jinja_template__")  # else a frame that was rewritten
        number = line if template is None else template.get_corresponding_lineno(line)
        place = f"{frame.f_code.co_filename}:{number}"
    return place


def set_at(environment: Environment, source: Source, word: str) -> int:
    """Return the last line of *source* that sets *word*."""
    parsed = environment.parse(source.text)
    names = [(node.target, node.lineno) for node in parsed.find_all(nodes.Assign)]
    names += [(node.target, node.lineno) for node in parsed.find_all(nodes.AssignBlock)]
    return max(
        (line for name, line in names if isinstance(name, nodes.Name) and name.name == word),
        default=1,
    )
