"""Pure: an event becomes what the subscriber is told in writing (UC-6), by templates.

    KIND.j2        the words of a kind: `subject`, `opening`, `facts`, `way_back`
    generic.j2     the words of kinds without a file, and of what a file leaves out
    email.txt.j2   how every mail is laid out, as text; email.html.j2 as a page
    KIND.txt.j2    one kind's whole text instead, KIND.html.j2 its page

A file of the operator's own with one of these names stands in front of capd's; what it does not
set, capd's own says. One that breaks on an event, or loses its sentence, is left aside for that
mail: the subscriber is told in capd's words, and the operator why.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import unescape

from jinja2 import StrictUndefined, Undefined, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from capd.model import Event
from capd.notify.files import SHIPPED, BadLetter, Loader, Source, named, read, set_at
from capd.notify.letter import (
    Message,
    Pair,
    big,
    columns,
    lines,
    one_line,
    small,
    subject_line,
    wrapped,
)
from capd.notify.values import WORDS, Addressee, variables
from capd.told import is_told
from capd.units import rate_text, size_text

_LARGEST = 256 * 1024  # characters of a text or a page
_PAIR = 2


class Letters:
    """The templates: capd's own, and the operator's in front of them."""

    def __init__(self, own: Mapping[str, Source] | None = None) -> None:
        self.own = dict(own or {})
        self._capds = Letters() if self.own else self
        shipped = read(SHIPPED)
        self._sources = {
            **shipped, **{f"capd/{name}": source for name, source in shipped.items()}, **self.own,
        }  # fmt: skip
        self.environment = ImmutableSandboxedEnvironment(
            loader=Loader(self._sources),
            autoescape=_goes_into_a_page,
            keep_trailing_newline=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters |= {
            "wrap": wrapped, "columns": columns, "big": big, "small": small,
            "size": size_text, "rate": rate_text,
        }  # fmt: skip

    def __contains__(self, name: str) -> bool:
        """Say whether there is a template *name*, of whosever."""
        return name in self._sources

    def message(self, event: Event, to: Addressee) -> Message | None:
        """Return what *to* is told about *event*; None: nothing (an inner matter, or hushed)."""
        if not is_told(event, "email"):
            return None
        if not self.own:
            return self.rendered(event, to)
        try:
            return self.rendered(event, to)
        except BadLetter as exc:
            told = self._capds.rendered(event, to)
            return replace(told, problem=one_line(str(exc)))

    def rendered(self, event: Event, to: Addressee) -> Message:
        """Return the letter about *event*. Raises BadLetter that names the file and the line."""
        given = variables(event, to)
        words = self._words(event.kind, given)
        shown, decision = {**given, **words}, str(given["decision"])
        return Message(
            subject=subject_line(str(given["operator"]), str(words["subject"])),
            text=self._laid_out(event.kind, "txt", shown, decision),
            html=self._laid_out(event.kind, "html", shown, decision),
        )

    def mistakes(self, event: Event, to: Addressee) -> Iterator[str]:
        """Yield what is wrong with the letter about *event*: words, text and page one by one."""
        given = variables(event, to)
        try:
            words = self._words(event.kind, given)
        except BadLetter as exc:
            yield str(exc)
            words = self._capds._words(event.kind, given)  # noqa: SLF001 - of the same class
        for form in ("txt", "html"):
            try:
                self._laid_out(event.kind, form, {**given, **words}, str(given["decision"]))
            except BadLetter as exc:
                yield str(exc)

    def _words(self, kind: str, given: Mapping[str, object]) -> dict[str, object]:
        """Return what the files of words say, each on top of those before it."""
        words: dict[str, object] = {}
        for name in ("capd/generic.j2", "generic.j2", f"capd/{kind}.j2", f"{kind}.j2"):
            source = self.own.get(name) or (name.startswith("capd/") and self._sources.get(name))
            if source:
                with named(source.path):
                    words |= self._exported(name, {**given, **words}, source)
        return words

    def _exported(
        self, name: str, given: Mapping[str, object], source: Source
    ) -> dict[str, object]:
        module = self.environment.get_template(name).make_module(dict(given))
        said = {word: getattr(module, word) for word in WORDS if hasattr(module, word)}
        for word, value in said.items():
            try:
                said[word] = _checked(value, pairs=word == "facts")
            except (ValueError, UndefinedError) as exc:
                line = set_at(self.environment, source, word)
                raise BadLetter(f"{source.path}:{line}: {word}: {exc}") from exc
        return said

    def _laid_out(self, kind: str, form: str, shown: Mapping[str, object], decision: str) -> str:
        own = (name for name in (f"{kind}.{form}.j2", f"email.{form}.j2") if name in self.own)
        name = next(own, f"capd/email.{form}.j2")
        path = self._sources[name].path
        with named(path):
            text = lines(self._text(name, shown))
        seen = text if form == "txt" else unescape(text)
        if " ".join(decision.split()) not in " ".join(seen.split()):
            raise BadLetter(
                f"{path}: does not say {{{{ decision }}}}, which must be told unchanged (UC-6)"
            )
        return text

    def _text(self, name: str, shown: Mapping[str, object]) -> str:
        length, parts = 0, []
        for part in self.environment.get_template(name).generate(dict(shown)):
            length += len(part)
            if length > _LARGEST:
                raise ValueError(f"makes more than {_LARGEST} characters")
            parts.append(part)
        return "".join(parts)


def _goes_into_a_page(name: str | None) -> bool:
    """Say whether what a template shows is escaped: pages, and pieces that may go into one."""
    if name is None or name.endswith(".html.j2"):
        return True
    return name.startswith("_") and not name.endswith(".txt.j2")


def _checked(said: object, *, pairs: bool) -> str | list[Pair]:
    """Return what a file of words says, harmless. Raises ValueError where it is of no use."""
    if isinstance(said, Undefined):
        str(said)  # raises: a strict one
    if not pairs:
        if not isinstance(said, str):
            raise ValueError(f"wants text, not {said!r}")
        return one_line(said)
    rows = said if isinstance(said, list | tuple) else (None,)
    if not all(isinstance(row, list | tuple) and len(row) == _PAIR for row in rows):
        raise ValueError("wants a list of (label, value) pairs")
    return [(one_line(str(label)), one_line(str(value))) for label, value in rows]
