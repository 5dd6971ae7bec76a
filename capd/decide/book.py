"""The policies of an operator: versions by date, families of products apart (CT-6)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from capd.decide.case import Case
from capd.decide.contract import versions
from capd.decide.policy import Policy
from capd.model import Event, Standing


@dataclass(frozen=True, slots=True)
class Book:
    """Every policy that is listed; those for the same families are versions of one line."""

    lines: Mapping[tuple[str, ...], tuple[Policy, ...]]  # by families, each oldest first

    @property
    def newest(self) -> Policy:
        """Return the newest policy for families that none names; else of the first line."""
        line = self.lines.get(()) or next(iter(self.lines.values()))
        return line[-1]

    @property
    def window_months(self) -> int:
        """Return how far back breaches must be known, whoever is judged (UC-4)."""
        return max(policy.window_months for line in self.lines.values() for policy in line)

    def listed(self) -> Iterator[Policy]:
        """Yield every policy."""
        for line in self.lines.values():
            yield from line

    def names(self) -> set[str]:
        """Return what is listed: "wireless_broadband, version 1"."""
        lines = self.lines.values()
        return {f"{policy.name}, version {policy.version}" for line in lines for policy in line}

    def without_mail(self) -> "Book":
        """Return the book where no notice is an attempt by e-mail: none is sent (C-2)."""

        def changed(policy: Policy) -> Policy:
            return replace(policy, dunning=replace(policy.dunning, notice_is_attempt=False))

        lines = {families: tuple(map(changed, line)) for families, line in self.lines.items()}
        return Book(lines)

    def line_of(self, family: str) -> tuple[Policy, ...]:
        """Return the versions that are for *family*: of those that name it, else of the rest."""
        named = (line for families, line in self.lines.items() if family in families)
        return next(named, None) or self.lines.get(()) or (self.newest,)

    def of(self, standing: Standing, now: datetime) -> Policy:
        """Return the policy that holds for the subscriber at *now*."""
        line = self.line_of(standing.product.family)
        return line[0] if len(line) == 1 else versions.in_force(standing, line, now)

    def announced(self, case: Case) -> tuple[Event, ...]:
        """Return what the subscriber must be told of a newer version, once (CT-6)."""
        line = self.line_of(case.standing.product.family)
        return () if len(line) == 1 else versions.announced(case, line)


def book_of(policies: Iterable[Policy]) -> Book:
    """Return the book of *policies*, in whatever order they are listed."""
    lines: dict[tuple[str, ...], list[Policy]] = {}
    for policy in sorted(policies, key=lambda one: one.valid_from):
        lines.setdefault(tuple(sorted(policy.families)), []).append(policy)
    return Book({families: tuple(line) for families, line in lines.items()})


def mistakes(policies: Iterable[Policy]) -> list[str]:
    """Return, a line each, what cannot be true of the *policies* at once."""
    listed = list(policies)
    book, found, owner = book_of(listed), [], dict[str, tuple[str, ...]]()
    for families, line in book.lines.items():
        found += [wrong for two in pairwise(line) for wrong in _pair(*two)]
        versions_ = [policy.version for policy in line]
        found += [
            f"{line[0].name}: version {version} is listed more than once"
            for version in dict.fromkeys(versions_)
            if versions_.count(version) > 1
        ]
        for family in families:
            if family in owner and owner[family] != families:
                found.append(f"families: {family!r} has two policies: name it in one of them")
            owner[family] = families
    return found


def _pair(older: Policy, newer: Policy) -> list[str]:
    """Return what is wrong with two versions that follow each other."""
    since, day = older.valid_from.isoformat(), newer.valid_from.isoformat()
    if since == day:
        both = f"versions {older.version} and {newer.version} of {newer.name}"
        return [f"{both} are both valid from {day}: which one holds?"]
    if _natural(newer.version) < _natural(older.version):
        late = f"{newer.name}: version {newer.version}, valid from {day}"
        return [f"{late}, goes back behind version {older.version} of {since}"]
    return []


def _natural(version: str) -> list[tuple[int, int, str]]:
    """Return what versions are ordered by: "10" comes after "9", "1.10" after "1.9"."""
    parts = version.replace("-", ".").split(".")
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
