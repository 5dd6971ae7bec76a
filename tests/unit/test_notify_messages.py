"""What customers are told in writing: understood by them, complete for UC-6, harmless for mail."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capd.account.periods import period_of
from capd.model import Event, Reason, SubscriberId
from capd.notify.letter import one_line
from capd.notify.messages import Letters
from capd.notify.values import Addressee
from capd.told import TOLD

LETTERS = Letters()
LONDON = ZoneInfo("Europe/London")
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
USAGE = {"period": "2026-03", "counted_bytes": 101_200_000_000, "allowance_bytes": 100_000_000_000}
OVER = "Over the cap: 101.2 of 100 GB used; service is suspended (UC-2)."


def an_addressee(**changes):
    given_ = {
        "name": "A. Customer",
        "operator": "Example Wireless",
        "zone": LONDON,
        "period": period_of(NOON, 1, LONDON),
        "products": {"home-100": "Home 100", "home-300": "Home 300"},
    }
    return Addressee(**{**given_, **changes})


def told(kind, text="A sentence.", clause="UC-2", addressee=None, **figures):
    event = Event(
        at=NOON, kind=kind, text=text, clause=clause, subscriber=SubscriberId("S-1"),
        figures=figures,
    )  # fmt: skip
    return LETTERS.message(event, addressee or an_addressee())


class Words(HTMLParser):
    """The words that a reader of the page sees, and the tags that it is made of."""

    def __init__(self, page):
        super().__init__()
        self.seen, self.tags = [], set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.seen.append(data)


def words(page):
    return " ".join(" ".join(Words(page).seen).split())


def test_a_suspension_says_what_was_used_the_cap_the_action_the_clause_and_the_way_back__UC_6():
    letter = told("hold_opened", OVER, reason="cap", **USAGE)
    assert letter.subject == "Example Wireless: your service is suspended"
    assert letter.text == (
        "Dear A. Customer,\n"
        "\n"
        "Your service is suspended: more was used than your allowance for this\n"
        "period.\n"
        "\n"
        "Over the cap: 101.2 of 100 GB used; service is suspended (UC-2).\n"
        "\n"
        "  Used:      101.2 GB\n"
        "  Allowance: 100 GB\n"
        "  Period:    March 2026, until 1 April\n"
        "  Action:    service is suspended\n"
        "  Our terms: clause UC-2\n"
        "\n"
        "To get service back, buy more data for this period or move to a product with\n"
        "a higher cap. Otherwise it comes back by itself on 1 April, when the new\n"
        "period starts.\n"
        "\n"
        "Example Wireless\n"
    )


def test_the_decision_stands_in_the_letter_word_for_word():
    for letter_kind in TOLD:
        letter = told(letter_kind, OVER, reason="cap", notice="usage_80", amount="1", **USAGE)
        assert OVER in " ".join(letter.text.split())
        assert OVER in words(letter.html)


def test_text_and_page_say_the_same():
    letter = told("hold_opened", OVER, reason="cap", **USAGE)
    for line in ("101.2 GB", "100 GB", "clause UC-2", "buy more data", "Dear A. Customer,"):
        assert line in words(letter.html)
        assert line in letter.text


@pytest.mark.parametrize("share", [50, 80, 100])
def test_a_warning_names_the_share_and_what_is_left__UC_11(share):
    letter = told("notice", notice=f"usage_{share}", remaining_bytes=20_000_000_000, **USAGE)
    assert letter.subject == f"Example Wireless: {share} % of your data allowance is used"
    assert "Left:      20 GB" in letter.text
    assert "1 April, when the new period starts" in " ".join(letter.text.split())


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_for_a_hold_has_its_own_words_and_a_way_back__UC_6(reason):
    letter = told("hold_opened", clause="X-1", reason=reason.value)
    others = {
        told("hold_opened", clause="X-1", reason=other.value).text
        for other in Reason
        if other is not reason
    }
    assert letter.text not in others
    assert "clause X-1" in letter.text
    last = " ".join(letter.text.split("\n\n")[-2].split())
    assert any(hint in last for hint in ("comes back", "contact us", "lifted", "buy more"))


def test_a_limit_is_not_called_a_suspension__NM_4():
    letter = told(
        "hold_opened", clause="NM-4", reason="restricted", down_bps=2_000_000, up_bps=1_000_000,
        until="2026-03-22T08:00:00Z",
    )  # fmt: skip
    assert "suspended" not in letter.text
    assert "Download limit: 2 Mbps" in letter.text
    assert "Until:          22 March 08:00 GMT" in letter.text


@pytest.mark.parametrize("reason", list(Reason))
def test_the_end_of_a_hold_is_told__UC_3(reason):
    letter = told("hold_closed", "Back within the allowance (UC-3).", "UC-3", reason=reason.value)
    assert "clause UC-3" in letter.text
    assert ("limit" in letter.subject) == (reason is Reason.RESTRICTED)


def test_an_upgrade_names_both_products_the_price_and_the_way_back__UC_6():
    moved = {"from": "home-100", "to": "home-300", "price": "35.0", "currency": "GBP"}
    letter = told(
        "plan_changed", clause="UC-4", breach="2026-03", new_allowance_bytes=300_000_000_000,
        **moved, **USAGE,
    )  # fmt: skip
    assert letter.subject == "Example Wireless: your product is now Home 300"
    assert "35.00 GBP a month" in letter.text
    assert "New allowance: 300 GB" in letter.text
    assert "go back to Home 100 without charge" in letter.text


def test_a_change_that_was_asked_for_offers_no_way_back():
    moved = {"from": "home-300", "to": "home-100", "new_allowance_bytes": None}
    letter = told("plan_changed", "As asked.", None, **moved)
    assert "without charge" not in letter.text
    assert "New allowance: unlimited" in letter.text
    assert "clause" not in letter.text


def test_a_charge_names_its_amount_and_what_it_is_for__UC_6():
    letter = told(
        "charge", clause="UC-4", charge="overage", amount="6", currency="GBP", breach="2026-03",
        **USAGE,
    )  # fmt: skip
    assert letter.subject == "Example Wireless: a charge of 6.00 GBP"
    assert "6.00 GBP (overage)" in letter.text
    assert "move to a product with a higher cap" in " ".join(letter.text.split())


def test_a_top_up_is_receipted_with_its_reference__UC_3():
    letter = told("topup", clause="UC-3", size_bytes=10_000_000_000, reference="inv-9")
    assert letter.subject == "Example Wireless: 10 GB added to your allowance"
    assert "Reference: inv-9" in letter.text


def test_an_offer_to_go_back_names_the_product__UC_5():
    letter = told("downgrade_offered", clause="UC-5", to="home-100")
    assert letter.subject == "Example Wireless: you may go back to Home 100"


def test_a_delay_at_the_operators_discretion_is_not_announced__UC_8():
    assert told("suspension_delayed", clause="UC-8", until="2026-03-22T08:00:00Z") is None


@pytest.mark.parametrize("kind", ["order_applied", "paused", "delivery_failed", "imported"])
def test_inner_matters_are_not_mailed_to_customers(kind):
    assert told(kind) is None


@pytest.mark.parametrize("quiet", [False, "no"])
def test_what_would_harm_an_investigation_is_not_told__AU_1(quiet):
    assert told("hold_opened", reason="aup", notify=quiet) is None


def test_a_month_without_an_end_that_is_known_still_reads_well():
    letter = told("hold_opened", OVER, reason="cap", addressee=an_addressee(period=None), **USAGE)
    assert "comes back by itself when the new period starts." in " ".join(letter.text.split())


def test_figures_of_another_month_do_not_get_this_months_end():
    letter = told("charge", amount="1", currency="GBP", **{**USAGE, "period": "2026-02"})
    assert "until 1 April" not in letter.text


EVIL = "Eve\r\nBcc: all@example.net\n\n<script>alert(1)</script> & \u202egnp.exe\x00\u2028x"


def test_a_name_with_line_ends_and_markup_stays_a_name():
    letter = told(
        "hold_opened", EVIL, clause=EVIL, reason=EVIL,
        addressee=an_addressee(name=EVIL, operator=EVIL), **USAGE,
    )  # fmt: skip
    assert letter.subject.isprintable()
    assert letter.text.startswith("Dear Eve Bcc: all@example.net <script>alert(1)</script> & gnp")
    assert not {"\r", "\x00", "\u202e", "\u2028"} & set(letter.text + letter.html)
    page = Words(letter.html)
    assert page.tags == {
        "html", "head", "meta", "title", "body", "p", "strong", "table", "tr", "th", "td"
    }  # fmt: skip


@given(st.text(), st.sampled_from(sorted(TOLD)), st.sampled_from(["cap", "aup", "x"]))
def test_whatever_the_values_are_the_headers_are_one_line(text, kind, reason):
    letter = told(
        kind, text, text, reason=reason, notice=text, reference=text, charge=text, amount="1",
        currency=text, addressee=an_addressee(name=text, operator=text),
    )  # fmt: skip
    assert letter.subject == one_line(letter.subject)
    letter.text.encode()
    letter.html.encode()
    assert Words(letter.html).tags <= {
        "html", "head", "meta", "title", "body", "p", "strong", "table", "tr", "th", "td"
    }  # fmt: skip


def test_a_text_without_end_is_cut():
    assert one_line("x" * 1000, 20) == "x" * 19 + "…"
