"""Which kinds of event subscribers are told about, over which channels: one list for everybody.

A new kind of event reaches people by one line in `TOLD`: what it is about, as the subject of a
mail says it. Without a template of its own (capd/notify/letters/KIND.j2) the letter is the general
one, which carries the event's sentence, its clause and the figures that it knows how to name.
Webhooks hear of every event; a kind that is not listed is an inner matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from capd.model import Event

SYSTEMS = frozenset({"webhook"})
"""Channels that lead to the operator's own systems, not to the subscriber."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What a kind of event is about, and how it reaches the subscriber."""

    about: str  # follows "Example Wireless: " in a subject
    channels: tuple[str, ...] = ("email",)  # CT-14: e-mail is the default


TOLD: Mapping[str, Telling] = {
    "notice": Telling("your data allowance"),
    "hold_opened": Telling("your service is suspended"),
    "hold_closed": Telling("a suspension has ended"),
    "plan_changed": Telling("your product has changed"),
    "charge": Telling("a charge"),
    "topup": Telling("more data was added"),
    "product_withdrawn": Telling("your product is withdrawn"),  # CT-7
    "moved": Telling("your new address"),
    "terms_changed": Telling("our terms change"),  # CT-6
    "product_terms": Telling("your product changes"),  # CT-6, B-3
    "product_terms_off": Telling("your product does not change as announced"),
    "product_sold_again": Telling("your product stays"),  # CT-7
    "cycle_day": Telling("your billing month"),  # UC-1, B-2
    "cancellation": Telling("your contract is cancelled"),
    "cancellation_withdrawn": Telling("your contract goes on"),
    "service_ended": Telling("your service has ended"),
    "terminated": Telling("your contract has ended"),
    "linked_service_off": Telling("a service that hangs on your connection"),  # CT-10
    "linked_service_on": Telling("a service that hangs on your connection"),
    "address_released": Telling("your static address"),
    "downgrade_offered": Telling("you may go back to your former product"),
    "activated": Telling("your contract has begun"),  # CT-1, CT-3
    "activation_undone": Telling("your contract has not begun"),
    "plan_scheduled": Telling("your product will change"),
    "plan_change_called_off": Telling("your product stays"),
    "speed_flagged": Telling("you may choose a slower product"),  # CT-8
    "fair_use_notice": Telling("your usage"),  # FU-1
    "addon": Telling("your add-on is ordered"),  # AD-1
    "addon_activated": Telling("your add-on is active"),
    "addon_renewed": Telling("your add-on is renewed"),  # AD-2
    "addon_cancelled": Telling("your add-on is cancelled"),  # AD-6
    "addon_ended": Telling("your add-on has ended"),  # AD-3
    "contract_breach": Telling("the terms of your contract were not kept"),  # CT-4
    "breach_ended": Telling("a breach of the contract has ended"),
    "disconnected": Telling("your radio is disconnected"),  # CT-12
    "reconnected": Telling("your radio is connected again"),
    "payment_failed": Telling("your payment failed"),  # CT-4
    "fee_withdrawn": Telling("what coming back costs"),
    "dispute": Telling("your invoice is in dispute"),
    "dispute_settled": Telling("a dispute about your invoice is settled"),
    "fee_quoted": Telling("what coming back costs"),  # CT-12
    "fees_left": Telling("what is left to pay"),  # C-3, E-3
    "job": Telling("your installation is booked"),  # IN-1
    "job_moved": Telling("your installation is on another day"),
    "job_confirmed": Telling("the price of your installation"),  # IN-2
    "job_not_standard": Telling("your installation needs more work"),  # IN-3
    "job_cancelled": Telling("your installation is cancelled"),  # IN-4
    "job_missed": Telling("we missed you"),
    "job_done": Telling("your installation is done"),
}

INNER = frozenset(
    {
        *("addon_late", "addon_past", "breach", "delay", "suspension_delayed"),
        *(
            "invoice",
            "invoice_paid",
            "invoice_part_paid",
            "invoice_cancelled",
            "payment",
            "refund",
            "credit",
        ),
        *("attempt", "task_opened", "task_done", "task_closed"),
        *("prepaid_began", "prepaid_rests", "prepaid_resumed"),
        *(
            "dunning",
            "dunning_ended",
            "suspension_refused",
            "suspension_dropped",
            "late_fee_gone",
            "attempt_used",
        ),
        *("product_terms_hold", "product_terms_over"),
        *(
            "downgrade_unsure",
            "downgrade_ended",
            "radio_changed",
            "radio_put_back",
            "speed_cleared",
            "equipment",
        ),
        *("address_assigned", "contract_followed", "linked_on", "linked_off", "withdrawal_over"),
    }
)
"""Kinds about a subscriber that are for the operator's people alone (UC-8: without notice)."""


UNPRINTED = frozenset(
    {
        *(
            "topup",
            "delay",
            "breach",
            "imported",
            "inventory_changed",
            "paused",
            "resumed",
            "downgrade_ended",
        ),
        *("invoice", "payment", "refund", "credit", "attempt", "task_done"),
        *("linked_off", "linked_on", "prepaid_began", "withdrawal_over"),
        "product_terms_over",
    }
)
"""The kinds of event that a replay does not print: what was told, and nothing follows yet."""


def is_told(event: Event, channel: str) -> bool:
    """Say whether the subscriber is told about *event* over *channel*.

    Not what would harm an investigation (AU-1), which its figures say.
    """
    if channel in SYSTEMS:
        return True
    telling = TOLD.get(event.kind)
    if event.subscriber is None or telling is None or channel not in telling.channels:
        return False
    return event.figures.get("notify") not in {False, "no"}


def notice_of(event: Event) -> str:
    """Return what a notice is called in lists and metrics: "usage_80", else the event's kind."""
    return str(event.figures.get("notice") or event.kind)


def masked(address: str) -> str:
    """Return *address* so that its owner knows it again: "a***@example.net"."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if local else "***"
