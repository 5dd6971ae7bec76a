"""policy.toml becomes a frozen Policy, or every mistake in it at once."""

from collections.abc import Iterable
from pathlib import Path

from capd import strict
from capd.decide.book import Book, book_of, mistakes
from capd.decide.policy import Policy
from capd.errors import ConfigError
from capd.policies.file import PolicyFile

__all__ = ["book", "default_path", "default_text", "load"]


def load(path: Path) -> Policy:
    """Return the policy that the TOML file *path* describes.

    Raises ConfigError with every mistake at once, each with its key and a guess.
    """
    return strict.parse(PolicyFile, strict.read_toml(path), source=str(path)).policy()


def book(paths: Iterable[Path]) -> Book:
    """Return the book of the policies in *paths*: versions of one, and those of other families.

    Raises ConfigError with every mistake in all of them at once.
    """
    read: list[Policy] = []
    problems: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            read.append(load(path))
        except ConfigError as exc:
            problems += exc.problems
    problems = problems or [f"decide.policy: {wrong}" for wrong in mistakes(read)]
    if problems:
        raise ConfigError(*problems)
    return book_of(read)


def default_path() -> Path:
    """Return where the policy that comes with capd is: the wireless broadband operator's."""
    package = Path(__file__).parents[1]
    inside = package / "_policies"  # an installed wheel
    folder = inside if inside.is_dir() else package.parent / "deploy" / "policies"
    return folder / "wireless_broadband.toml"


def default_text() -> str:
    """Return the commented policy that comes with capd, as `capd init` writes it."""
    return strict.read_text(default_path())
