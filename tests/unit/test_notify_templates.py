"""Templates of the operator's own: they stand in front of capd's, and cannot spoil a notice."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capd.notify.files import BadLetter, Source
from capd.notify.letter import one_line
from capd.notify.messages import Letters
from capd.notify.samples import addressee, samples
from capd.notify.values import VARIABLES, WORDS, variables
from capd.told import TOLD, is_told, notice_of
from tests.builders import an_event

SUSPENDED = next(samples("hold_opened"))


def letters(**files):
    named = {f"{name.replace('__', '.')}.j2": text for name, text in files.items()}
    return Letters({name: Source(f"notices/{name}", text) for name, text in named.items()})


def told(event=SUSPENDED, to=None, **files):
    return letters(**files).message(event, to or addressee())


def test_a_file_of_words_changes_what_it_sets_and_nothing_else():
    plain, mine = told(), told(hold_opened='{% set subject = "we had to switch you off" %}')
    assert mine.subject == "Example Wireless: we had to switch you off"
    assert mine.text == plain.text
    assert mine.problem == ""


def test_words_may_build_on_those_of_capd():
    mine = told(hold_opened='{% set way_back = way_back ~ " Or write to " ~ support ~ "." %}',
                to=addressee(support="help@example.net"))  # fmt: skip
    assert "To get service back, buy more data" in mine.text
    assert "Or write to help@example.net." in " ".join(mine.text.split())


def test_the_general_words_are_for_every_kind_that_does_not_set_its_own():
    mine = letters(generic='{% set way_back = "Call us." %}')
    event = an_event("downgrade_offered", text="You may.", to="home-100")
    assert "Tell us if you would like to" in mine.message(event, addressee()).text
    bare = letters(generic='{% set facts = [("Ours", "yes")] %}', charge="{% set way_back = 'x' %}")
    assert "Ours:" not in bare.message(next(samples("charge")), addressee()).text


def test_a_layout_is_for_all_mails_and_a_kinds_own_for_that_kind():
    mine = letters(
        email__html="<h1>{{ operator }}</h1><p>{{ decision }}</p>",
        charge__html="<h2>{{ amount }}</h2>{{ decision }}",
        charge__txt="{{ decision }}\n{{ amount }}\n",
    )
    event, charge = SUSPENDED, next(samples("charge"))
    assert mine.message(event, addressee()).html.startswith("<h1>Example Wireless</h1>")
    assert mine.message(event, addressee()).text == told().text
    assert mine.message(charge, addressee()).html.startswith("<h2>6.00 GBP</h2>")
    assert mine.message(charge, addressee()).text == f"{charge.text}\n6.00 GBP\n"


def test_a_layout_may_include_capds_own_and_pieces():
    mine = told(email__txt='{% include "capd/email.txt.j2" %}\n{% include "_foot.txt.j2" %}',
                _foot__txt="Registered in {{ figures.get('nowhere', 'Hereford') }}")  # fmt: skip
    assert mine.problem == ""
    assert mine.text.endswith("Example Wireless\nRegistered in Hereford\n")


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"hold_opened": "\n\n{% set subject = nosuch %}"}, ".j2:3: subject: 'nosuch' is un"),
        ({"email__txt": "{{ decision }}\n{{ used + 1 }}"}, "email.txt.j2:2: can only concatenate"),
        ({"email__html": "{{ decision.__class__ }}"}, "email.html.j2:1: access to attribute"),
        ({"email__txt": "{{ decision }}{% for a in range(99999) %}{{ 'xxxx' * 9 }}{% endfor %}"},
         "email.txt.j2: makes more than 262144 characters"),
        ({"email__txt": "{% include 'gone.j2' %}"}, "txt.j2:1: there is no template 'gone.j2'"),
        ({"email__txt": "Dear {{ name }}"}, "email.txt.j2: does not say {{ decision }}"),
        ({"email__html": "{{ decision[:9] }}"}, "email.html.j2: does not say {{ decision }}"),
        ({"charge": "{% set facts = 7 %}", "hold_opened": "{% set facts = [1] %}"},
         "hold_opened.j2:1: facts: wants a list of (label, value) pairs"),
        ({"hold_opened": "{% set subject = 7 %}"}, "hold_opened.j2:1: subject: wants text, not 7"),
        ({"hold_opened": "{% set a = 1 / 0 %}"}, "hold_opened.j2:1: division by zero"),
    ],
)  # fmt: skip
def test_a_template_that_breaks_is_named_and_the_notice_goes_out_in_capds_words__UC_6(
    files, problem
):
    mine = told(**files)
    assert problem in mine.problem
    assert "\n" not in mine.problem
    assert replace(mine, problem="") == told()
    with pytest.raises(BadLetter, match=re.escape(problem[:20])):
        letters(**files).rendered(SUSPENDED, addressee())


def test_templates_cannot_reach_out_of_their_box():
    for reach in ("{{ ''.__class__.__mro__ }}", "{{ cycler.__init__.__globals__ }}",
                  "{{ figures.update({'a': 1}) }}"):  # fmt: skip
        assert told(email__txt=f"{{{{ decision }}}}{reach}").problem


def test_values_are_escaped_on_the_page_also_in_an_operators_own():
    event = replace(SUSPENDED, text='<b>"Over" & out</b>')
    mine = told(event, email__html="<p>{{ decision }}</p>")
    assert mine.problem == ""
    assert mine.html == "<p>&lt;b&gt;&#34;Over&#34; &amp; out&lt;/b&gt;</p>\n"


def test_a_piece_is_escaped_unless_its_name_says_that_it_is_text():
    event = replace(SUSPENDED, clause="<i>")
    page, piece = "{{ decision }}{% include '_a.j2' %}", "<b>{{ clause }}</b>"
    assert told(event, email__html=page, _a=piece).html.endswith("<b>&lt;i&gt;</b>\n")


def test_every_variable_is_described_and_always_there():
    for kind in TOLD:
        for event in samples(kind):
            assert variables(event, addressee()).keys() == VARIABLES.keys()
    assert not WORDS.keys() & VARIABLES.keys()


def test_a_kind_without_a_file_is_told_with_its_sentence_and_what_has_a_name(monkeypatch):
    monkeypatch.setitem(TOLD, "invoice_overdue", type(TOLD["charge"])("an invoice is overdue"))
    event = an_event(
        "invoice_overdue", text="Invoice 7 of 25.00 GBP is overdue (B-1).", clause="B-1",
        invoice="7", amount="25", currency="GBP", due="2026-03-15", note="owes us for years",
        until="2026-04-01T00:00:00Z", balance_bytes=2_000_000_000,
    )  # fmt: skip
    mail = told(event)
    assert mail.subject == "Example Wireless: an invoice is overdue"
    assert mail.text == (
        "Dear A. Customer,\n\nAn invoice is overdue.\n\n"
        "Invoice 7 of 25.00 GBP is overdue (B-1).\n\n"
        "  Balance:   2 GB\n"
        "  Invoice:   7\n"
        "  Amount:    25.00 GBP\n"
        "  Due:       15 March 2026\n"
        "  Until:     1 April 01:00 BST\n"
        "  Our terms: clause B-1\n\n"
        "Example Wireless\n"
    )


def test_minutes_are_told_as_minutes__D_1():
    figures = {"notice": "usage_80", "unit": "seconds", "counted_bytes": 30_000}
    assert "500 min" in told(an_event("notice", **figures)).text


def test_a_note_of_the_operators_people_is_not_shown_to_the_subscriber():
    for kind in TOLD:
        mail = told(replace(next(samples(kind)), kind=kind, figures={"note": "a known crook"}))
        assert "crook" not in mail.text + mail.html


def test_a_webhook_hears_everything_and_a_person_what_concerns_them__AU_1():
    assert is_told(an_event("order_applied"), "webhook")
    assert not is_told(an_event("order_applied"), "email")
    assert is_told(an_event("charge"), "email")
    assert not is_told(an_event("charge", subscriber=None), "email")
    assert not is_told(an_event("hold_opened", notify=False), "email")
    assert not is_told(an_event("charge"), "pigeon")
    assert (notice_of(an_event(notice="usage_80")), notice_of(an_event("charge"))) == (
        "usage_80", "charge",
    )  # fmt: skip


VALUES = st.one_of(st.text(), st.integers(), st.booleans(), st.none())
KEYS = st.sampled_from(
    ["notice", "reason", "from", "to", "amount", "price", "currency", "until", "due", "down_bps",
     "counted_bytes", "allowance_bytes", "period", "reference", "size_bytes", "charge", "breach"]
)  # fmt: skip


@given(st.sampled_from(sorted(TOLD)), st.text(), st.text(), st.dictionaries(KEYS, VALUES))
def test_whatever_the_figures_are_a_letter_is_written_and_harmless__UC_6(kind, text, name, figures):
    figures.pop("notify", None)
    event = replace(next(samples(kind)), kind=kind, text=text, clause=name, figures=figures)
    mail = told(event, replace(addressee(), name=name, products={"a": text}),
                charge="{% set way_back = name %}")  # fmt: skip
    assert mail.problem == ""
    assert mail.subject == one_line(mail.subject)
    assert one_line(mail.text.replace("\n", " "), 99_999) == " ".join(mail.text.split())
    assert one_line(text, 1000) in " ".join(mail.text.split())
    mail.text.encode()
    mail.html.encode()
