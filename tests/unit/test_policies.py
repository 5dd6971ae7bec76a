"""A policy file is read strictly, and the shipped one says what the code does by itself."""

from datetime import time
from decimal import Decimal

import pytest

from capd import policies
from capd.decide.policy import Action, HoldRule, Overage, Policy
from capd.decide.terms.debt import Fee
from capd.errors import ConfigError
from capd.model import Reason

HEAD = 'name = "x"\nversion = "7"\nvalid_from = 2026-03-01\n'


def load(tmp_path, text):
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return policies.load(path)


def test_the_shipped_policy_is_the_wireless_broadband_operators():
    assert policies.load(policies.default_path()) == Policy()


def test_the_shipped_text_cites_the_clause_of_each_rule():
    text = policies.default_text()
    for clause in ("UC-1", "UC-2", "UC-3", "UC-4", "UC-5", "UC-8", "UC-11", "CT-4", "NM-4"):
        assert f'"{clause}"' in text


def test_what_the_file_leaves_out_stays_as_it_is(tmp_path):
    policy = load(tmp_path, HEAD)
    assert (policy.name, policy.version) == ("x", "7")
    assert (policy.notice_shares, policy.holds) == (Policy().notice_shares, Policy().holds)


def test_every_rule_can_be_set(tmp_path):
    policy = load(
        tmp_path,
        HEAD
        + """
[allowance]
clause = "1"
[notices]
clause = "2"
shares = [75, 90]
[cap]
clause = "3"
action = "charge"
back = "4"
[delay]
clause = "5"
hours = 24
[repeat]
clause = "6"
action = "suspend"
window_months = 3
second_breach_in_same_period = true
[repeat.charge]
unit = "10GiB"
unit_price = "2.50"
fee = "0"
[downgrade]
clause = "7"
[holds.fraud]
clause = "8"
[holds.non_payment]
clause = "9"
blocking = false
down = "256kbps"
""",
    )
    assert policy.notice_shares == (75, 90)
    assert (policy.first_action, policy.repeat_action) == (Action.CHARGE, Action.SUSPEND)
    assert (policy.delay_h, policy.window_months) == (24, 3)
    assert policy.second_breach_in_same_period
    assert policy.overage == Overage(
        unit_bytes=10 * 1024**3, unit_price=Decimal("2.50"), fee=Decimal(0)
    )
    assert policy.hold_rule(Reason.CAP) == HoldRule(clause="3")
    assert policy.hold_rule(Reason.FRAUD) == HoldRule(clause="8")
    assert policy.hold_rule(Reason.NON_PAYMENT) == HoldRule(
        clause="9", blocking=False, down_bps=256_000
    )
    clauses = policy.clauses
    assert (clauses.allowance, clauses.notices, clauses.back) == ("1", "2", "4")
    assert (clauses.delay, clauses.repeat, clauses.downgrade) == ("5", "6", "7")


def test_every_mistake_is_listed_at_once_with_its_key_and_a_guess(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(
            tmp_path,
            """
name = "x"
valid_from = "soon"
[notices]
shares = [80, 50]
[repaet]
window_months = 6
[repeat]
action = "upgarde"
window_months = 0
[repeat.charge]
unit = "an apple"
unit_price = 1.234
[holds.non_paymant]
clause = "x"
[holds.restricted]
clause = "NM-4"
blocking = false
[holds.fraud]
clause = "CT-5"
down = "1Mbps"
""",
        )
    said = "\n".join(caught.value.problems)
    for line in (
        "version: is missing",
        "valid_from: wants a date such as 2026-03-01, not 'soon'",
        "notices: shares must rise, each once",
        "repaet: unknown key. Did you mean 'repeat'?",
        "repeat.action: wants 'suspend', 'upgrade' or 'charge', not 'upgarde'. Did you mean",
        "repeat.window_months: wants at least 1, not 0",
        "repeat.charge.unit: wants a size",
        "repeat.charge.unit_price: wants",
        "holds.non_paymant: unknown key. Did you mean 'non_payment'?",
        "holds.restricted: blocking = false wants down, up or both",
        "holds.fraud: down and up are for a hold with blocking = false",
    ):
        assert f"policy.toml: {line}" in said


def test_a_policy_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: no such file"):
        policies.load(tmp_path / "none.toml")


DUNNING = """
[dunning]
clause = "B-1"
due_days = 15
at = "08:30"
least = "5.00"
attempts = ["email", "phone"]
[[dunning.steps]]
step = "notice"
name = "reminder"
days = 16
since = "issued"
clause = "B-1"
[[dunning.steps]]
step = "late_fee"
days = 10
since = "notice"
percent_a_month = "1"
legal_percent_a_month = "1.5"
clause = "E-3"
"""


def test_a_dunning_schedule_is_data(tmp_path):
    terms = load(tmp_path, HEAD + DUNNING).dunning
    assert (terms.due_days, terms.at, terms.least) == (15, time(8, 30), Decimal(5))
    assert [(step.name, step.kind.value, step.days) for step in terms.steps] == [
        ("reminder", "notice", 16), ("late_fee", "late_fee", 10),
    ]  # fmt: skip
    assert terms.steps[1].fee == Fee(
        percent_a_month=Decimal(1), legal_percent_a_month=Decimal("1.5")
    )
    assert terms.attempts == ("email", "phone")


def test_hours_and_fees_of_a_debt_can_be_set(tmp_path):
    policy = load(
        tmp_path,
        HEAD
        + """
[quiet]
reasons = ["non_payment", "cap"]
weekends = false
opens = "10:00"
closes = "00:00"
[reconnection]
clause = "C-3"
fee = "25"
late_fee = "5"
[breach]
notice_days = 7
""",
    )
    assert policy.quiet.reasons == (Reason.NON_PAYMENT, Reason.CAP)
    assert (policy.quiet.opens, policy.quiet.closes, policy.quiet.weekends) == (
        time(10), None, False,
    )  # fmt: skip
    assert (policy.reconnection.fee, policy.reconnection.clause) == (Decimal(25), "C-3")
    assert policy.breach.notice_days == 7


def test_a_late_fee_is_charged_by_a_step_or_with_coming_back_and_not_by_both__C_3(tmp_path):
    both = f'{HEAD}{DUNNING}[reconnection]\nlate_fee = "5"\n'
    with pytest.raises(ConfigError, match="coming back would charge a second"):
        load(tmp_path, both)


def test_who_waits_for_which_fee_can_be_set(tmp_path):
    text = "[dunning]\nlate_fees_join_debt = true\n[reconnection]\npaid_first = true\n"
    policy = load(tmp_path, HEAD + text)
    assert policy.dunning.late_fees_join_debt
    assert policy.reconnection.paid_first


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ('step = "late_fee"\ndays = 1\nsince = "due"', "a late_fee wants an amount"),
        ('step = "suspend"\ndays = 0\nsince = "due"', "wants days of 1 or more"),
        ('step = "suspend"\ndays = -1\nsince = "issued"', "days wants at least 0"),
        ('step = "notice"\ndays = 1\nsince = "notice"', "a notice counts from issued or due"),
        ('step = "suspend"\ndays = 1\nsince = "due"\namount = "1"', "are for a late_fee"),
        ('step = "call"\ndays = 1\nsince = "due"', "dunning.steps[0].step"),
        ('step = "suspend"\ndays = 1\nsince = "notice"', "wants a step that gives one"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(tmp_path, step, wrong):
    with pytest.raises(ConfigError, match=wrong.replace("[", r"\[").replace("]", r"\]")):
        load(tmp_path, f'{HEAD}[[dunning.steps]]\n{step}\nclause = "x"\n')


def test_steps_have_names_of_their_own_and_one_suspends(tmp_path):
    step = '[[dunning.steps]]\nstep = "{}"\n{}days = 1\nsince = "due"\nclause = "x"\n'
    with pytest.raises(ConfigError, match="'notice' is there twice"):
        load(tmp_path, HEAD + step.format("notice", "") * 2)
    twice = step.format("suspend", 'name = "a"\n') + step.format("suspend", 'name = "b"\n')
    with pytest.raises(ConfigError, match="suspended once"):
        load(tmp_path, HEAD + twice)


@pytest.mark.parametrize(
    ("name", "clauses"),
    [
        ("business", ("B-1", "B-3")),
        ("residential_us", ("C-1", "C-2", "C-3", "C-6")),
        ("prepaid_iot", ("E-1", "E-2", "E-3")),
    ],
)
def test_the_other_operators_terms_are_files_alone(name, clauses):
    path = policies.default_path().with_name(f"{name}.toml")
    assert policies.load(path).name == name
    for clause in clauses:
        assert f'"{clause}"' in path.read_text()


def test_what_each_of_them_sets_is_what_its_terms_say():
    def of(name):
        return policies.load(policies.default_path().with_name(f"{name}.toml"))

    b, c, e = of("business"), of("residential_us"), of("prepaid_iot")
    assert [(s.name, s.days, s.since.value) for s in b.dunning.steps] == [
        ("reminder", 1, "due"), ("suspension", 30, "issued"),
    ]  # fmt: skip
    assert (b.dunning.due_days, c.dunning.attempts) == (15, ("email", "phone"))
    assert c.dunning.steps[-1].days == 20
    assert (c.reconnection.fee, c.reconnection.late_fee) == (Decimal(25), Decimal(10))
    assert e.prepaid.shares == (50, 80, 100)
    assert not [step for step in e.dunning.steps if step.kind.value == "suspend"]
