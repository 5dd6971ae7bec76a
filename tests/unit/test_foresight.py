"""What may come: patterns that are learnt, outlooks that are drawn, and how good they are."""

from datetime import UTC, date, datetime, timedelta

import pytest

from capd.account.periods import period_of
from capd.foresight.outlook import ahead, look_ahead, may_go_over, run_rate
from capd.foresight.pattern import WINDOW, Population, everybody, learn
from capd.foresight.score import Guess, Score
from tests.builders import GB, LONDON, MARCH
from tests.usage_patterns import days_of, households

CAP = 100 * GB
FIRST = date(2025, 1, 1)
TEN_A_WEEKDAY = {
    FIRST + timedelta(days=n): (30 if (FIRST + timedelta(days=n)).weekday() > 4 else 10) * GB
    for n in range(56)
}


def test_weekdays_are_learnt_and_lean_on_everybody():
    pattern = learn(TEN_A_WEEKDAY, Population(), allowance_a_day=GB)
    assert pattern.weekday[6] > 1.5
    assert pattern.weekday[0] < 1
    assert sum(pattern.weekday) == pytest.approx(7)
    assert pattern.level * pattern.weekday[6] < 30 * GB  # not quite: eight Sundays are few
    same = everybody([(TEN_A_WEEKDAY, GB)])
    assert learn(TEN_A_WEEKDAY, same, allowance_a_day=GB).weekday[6] > pattern.weekday[6]


def test_of_whom_nothing_is_known_everybody_is_asked():
    pattern = learn({}, Population(share=0.5), allowance_a_day=10 * GB)
    assert (pattern.level, pattern.days) == (5 * GB, 0)
    assert pattern.weekday == (1.0,) * 7
    assert everybody([]) == Population()


def test_who_uses_nothing_is_expected_to_use_nothing():
    idle = {FIRST + timedelta(days=n): 0 for n in range(56)}
    pattern = learn(idle, Population(share=0.0), allowance_a_day=GB)
    outlook = look_ahead(
        pattern, ahead(MARCH.start, MARCH, LONDON), counted=0, allowance=0, seed=""
    )
    assert (outlook.p90_bytes, outlook.probability, outlook.likely_day) == (0, 0.0, None)


def test_what_is_left_of_a_month_is_by_local_day_and_a_clock_change_is_a_shorter_one():
    left = ahead(datetime(2026, 3, 28, 18, tzinfo=UTC), MARCH, LONDON)
    assert left.days == (date(2026, 3, 28), *(date(2026, 3, day) for day in (29, 30, 31)))
    assert left.parts == (0.25, 1.0, 1.0, 1.0)
    assert ahead(MARCH.end, MARCH, LONDON).days == ()


def test_an_outlook_names_the_day_and_is_the_same_however_often_it_is_asked():
    steady = learn(
        {FIRST + timedelta(days=n): 5 * GB for n in range(56)}, Population(), allowance_a_day=GB
    )
    left = ahead(datetime(2026, 3, 11, tzinfo=UTC), MARCH, LONDON)
    outlooks = [
        look_ahead(steady, left, counted=50 * GB, allowance=CAP, seed=seed)
        for seed in ("S-1", "S-1", "S-2")
    ]
    assert outlooks[0] == outlooks[1] != outlooks[2]
    assert outlooks[0].probability > 0.99
    assert abs((outlooks[0].likely_day - date(2026, 3, 20)).days) <= 1
    assert outlooks[0].p10_bytes < 155 * GB < outlooks[0].p90_bytes
    assert look_ahead(steady, left, counted=0, allowance=None, seed="").probability == 0
    assert look_ahead(steady, left, counted=101 * GB, allowance=CAP, seed="").probability == 1


def test_who_is_far_from_the_cap_is_not_drawn():
    steady = learn(
        {FIRST + timedelta(days=n): GB for n in range(56)}, Population(), allowance_a_day=GB
    )
    left = ahead(datetime(2026, 3, 11, tzinfo=UTC), MARCH, LONDON)
    assert not may_go_over(steady, left, counted=10 * GB, allowance=CAP)
    assert may_go_over(steady, left, counted=85 * GB, allowance=CAP)
    assert not may_go_over(steady, left, counted=99 * GB, allowance=None)


def test_a_straight_line_goes_on():
    half = MARCH.start + (MARCH.end - MARCH.start) / 2
    assert run_rate(half, MARCH, 50) == 100
    assert run_rate(MARCH.start, MARCH, 7) == 7


def test_scores_are_what_they_are_called():
    said = [(0.0, False, 10, 12), (1.0, True, 10, 6), (0.85, False, 10, None), (0.81, True, 9, 9)]
    score = Score(
        [
            Guess(day=10, probability=p, over=over, expected_bytes=e, used_bytes=used)
            for p, over, e, used in said
        ]
    )
    assert score.brier == pytest.approx((0.85**2 + 0.19**2) / 4)
    assert score.error_bytes == 2
    assert [(tenth.count, tenth.happened) for tenth in score.calibration()] == [
        (1, 0), (2, 0.5), (1, 1),
    ]  # fmt: skip
    assert (Score().brier, Score().error_bytes, Score().calibration()) == (0, 0, [])


def test_forecasts_are_better_than_a_straight_line_and_as_sure_as_they_say():
    forecast, line = hindcast(households(120), months=range(5, 11))
    assert len(forecast.guesses) > 1500
    assert forecast.brier < 0.8 * line.brier
    assert forecast.error_bytes < line.error_bytes
    for tenth in forecast.calibration():
        if tenth.count >= 40:
            assert abs(tenth.said - tenth.happened) < 0.17


def hindcast(people, *, months):
    """Forecast months of *people* as of some days, and score it beside the straight line."""
    lives = [days_of(one, FIRST, 365) for one in people]
    forecast, line = Score(), Score()
    for month in months:
        period = period_of(datetime(2025, month, 15, tzinfo=UTC), 1, LONDON)
        for day in (10, 13, 20):
            today = date(2025, month, day)
            now = datetime(2025, month, day, tzinfo=LONDON).astimezone(UTC)
            known = [
                {d: n for d, n in life.items() if today - WINDOW <= d < today} for life in lives
            ]
            all_do, left = (
                everybody([(days, CAP / 30) for days in known]),
                ahead(now, period, LONDON),
            )
            for who, (life, days) in enumerate(zip(lives, known, strict=True)):
                counted = sum(n for d, n in days.items() if d.month == month)
                used = sum(n for d, n in life.items() if d.month == month)
                if counted > CAP:
                    continue
                pattern = learn(days, all_do, allowance_a_day=CAP / 30)
                seen = look_ahead(
                    pattern, left, counted=counted, allowance=CAP, seed=f"{who} {today}"
                )
                straight = run_rate(now, period, counted)
                for score, probability, expected in (
                    (forecast, seen.probability, seen.p50_bytes),
                    (line, float(straight > CAP), straight),
                ):
                    score.guesses.append(
                        Guess(
                            day=day, probability=probability, expected_bytes=expected,
                            over=used > CAP, used_bytes=used,
                        )
                    )  # fmt: skip
    return forecast, line
