"""Versions of the terms: who is on which, who is told when, and which lists make no sense."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from capd import policies
from capd.decide.book import book_of, mistakes
from capd.decide.case import Case
from capd.decide.contract.versions import notice_end
from capd.decide.policy import Policy
from capd.decide.standing import apply
from capd.decide.terms.contract import Changes, Contract
from capd.errors import ConfigError
from tests.builders import CATALOGUE, HOME_100, LONDON, NOON, a_product, a_standing
from tests.unit.test_decide_contract import told

FIRST = Policy(version="1", valid_from=date(2026, 1, 1))
SECOND = Policy(version="2", valid_from=date(2026, 3, 1), window_months=12)
VOICE = Policy(name="voice", version="7", families=("voice",), valid_from=date(2025, 1, 1))
BOOK = book_of([SECOND, VOICE, FIRST])
MAY = datetime(2026, 5, 1, tzinfo=UTC)


def told_of(standing, at=NOON, book=BOOK):
    case = Case(
        standing=standing,
        catalogue=CATALOGUE,
        policy=book.of(standing, at),
        now=at,
        currency="GBP",
        zone=LONDON,
    )
    return book.announced(case)


def test_a_policy_is_for_the_families_that_it_names_and_the_rest_goes_by_the_other():
    assert BOOK.of(a_standing(product=a_product("v", family="voice")), NOON) == VOICE
    assert BOOK.of(a_standing(), NOON) == FIRST
    assert (BOOK.newest, BOOK.window_months) == (SECOND, 12)


def test_a_subscriber_is_told_once_and_moves_on_when_the_notice_is_over__CT_6():
    (event,) = told_of(a_standing())
    assert (event.kind, event.clause, event.at) == ("terms_changed", "CT-6", NOON)
    assert event.text == (
        "New terms (wireless_broadband, version 2) hold for you from 11 April 2026; until then "
        "those of version 1 do (CT-6)."
    )
    standing = apply(a_standing(), [event], CATALOGUE)
    effective = datetime(2026, 4, 10, 23, tzinfo=UTC)
    assert told_of(standing) == ()
    assert BOOK.of(standing, effective - timedelta(seconds=1)) == FIRST
    assert BOOK.of(standing, effective) == SECOND
    assert told_of(standing, effective + timedelta(days=400)) == ()


def test_a_version_of_a_far_day_holds_from_that_day__CT_6():
    far = replace(SECOND, valid_from=date(2026, 9, 1))
    (event,) = told_of(a_standing(), book=book_of([FIRST, far]))
    assert event.figures["effective_at"] == "2026-08-31T23:00:00Z"


def test_a_contract_that_began_under_the_new_terms_has_them_at_once__CT_6():
    new = told(a_standing(), "activated")
    assert (BOOK.of(new, NOON), told_of(new)) == (SECOND, ())
    old = told(a_standing(), "activated", on="2026-02-27")
    assert (BOOK.of(old, NOON), len(told_of(old))) == (FIRST, 1)
    ancient = told(a_standing(), "activated", on="2019-01-01")
    assert BOOK.of(ancient, NOON) == FIRST


def test_a_third_version_takes_the_place_of_one_that_does_not_hold_yet__CT_6():
    (event,) = told_of(a_standing())
    waiting = apply(a_standing(), [event], CATALOGUE)
    third = replace(SECOND, version="3", valid_from=date(2026, 5, 1))
    book = book_of([FIRST, SECOND, third])
    (event,) = told_of(waiting, book=book)
    after = apply(waiting, [event], CATALOGUE)
    assert (event.figures["before"], book.of(after, MAY).version) == ("1", "3")
    assert book.of(after, MAY - timedelta(days=2)).version == "1"


def test_a_version_that_is_listed_no_more_is_replaced_by_the_oldest_that_is():
    (event,) = told_of(a_standing())
    standing = apply(a_standing(), [event], CATALOGUE)
    third = replace(SECOND, version="3", valid_from=date(2026, 8, 1))
    book = book_of([SECOND, third])
    assert book.of(standing, NOON) == SECOND  # its version 1 is gone


def test_one_version_alone_tells_nobody_anything():
    assert told_of(a_standing(), book=book_of([FIRST])) == ()


@pytest.mark.parametrize(
    ("months", "days", "now", "over"),
    [
        (1, 0, datetime(2026, 1, 31, 0, 0, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)),
        (1, 0, datetime(2026, 1, 31, 0, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        (0, 30, datetime(2026, 3, 1, 0, 0, tzinfo=UTC), datetime(2026, 3, 30, 23, tzinfo=UTC)),
        (0, 0, datetime(2026, 3, 1, 0, 0, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_notice_is_whole_and_ends_at_a_midnight__CT_6_B_3(months, days, now, over):
    assert notice_end(now, Changes(notice_months=months, notice_days=days), LONDON) == over


def test_thirty_days_of_notice_where_the_terms_in_force_say_so__B_3():
    terms = Contract(changes=Changes(notice_months=0, notice_days=30, clause="B-3"))
    book = book_of([replace(FIRST, contract=terms), SECOND])
    (event,) = told_of(a_standing(), book=book)
    assert (event.clause, event.figures["effective_at"]) == ("B-3", "2026-04-09T23:00:00Z")


# ---- lists that make no sense --------------------------------------------------------------------


SAME_DAY = "versions 1 and 2 of wireless_broadband are both valid from 2026-01-01: which one holds?"
BACK = (
    "wireless_broadband: version 1.9, valid from 2026-03-01, goes back behind version 1.10 of "
    "2026-01-01"
)
TWICE = "wireless_broadband: version 1 is listed more than once"
TWO = "families: 'voice' has two policies: name it in one of them"


@pytest.mark.parametrize(
    ("listed", "wrong"),
    [
        ([FIRST, replace(FIRST, version="2")], SAME_DAY),
        ([replace(FIRST, version="1.10"), replace(SECOND, version="1.9")], BACK),
        ([FIRST, replace(SECOND, version="1")], TWICE),
        ([VOICE, replace(VOICE, name="other", families=("voice", "fax"))], TWO),
    ],
)
def test_what_makes_no_sense_is_said(listed, wrong):
    assert wrong in mistakes(listed)


def test_versions_in_their_order_and_families_apart_are_right():
    assert mistakes([SECOND, FIRST, VOICE]) == []
    assert mistakes([replace(FIRST, version="9"), replace(SECOND, version="10")]) == []


def test_every_mistake_of_every_file_is_told_at_once(tmp_path):
    paths = []
    for name, text in (("a", "name = 1"), ("b", 'name = "b"\nversion = "1"\n')):
        paths.append(tmp_path / f"{name}.toml")
        paths[-1].write_text(text)
    with pytest.raises(ConfigError) as info:
        policies.book(paths)
    assert {str(tmp_path / "a.toml"), str(tmp_path / "b.toml")} <= {
        problem.partition(": ")[0] for problem in info.value.problems
    }


def test_files_become_a_book(tmp_path):
    paths = []
    for version, day in (("2", "2026-03-01"), ("1", "2026-01-01")):
        paths.append(tmp_path / f"{version}.toml")
        paths[-1].write_text(
            f'name = "x"\nversion = "{version}"\nvalid_from = {day}\nfamilies = ["broadband"]\n'
        )
    (line,) = policies.book([*paths, paths[0]]).lines.values()
    assert [policy.version for policy in line] == ["1", "2"]
    assert policies.book(paths).of(a_standing(product=HOME_100), NOON).version == "1"
