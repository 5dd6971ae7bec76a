"""Money owed: invoices, payments, what an unpaid one leads to, and what a breach does.

    invoice, payment, dispute (facts) ─▶ matters of kind `invoice` and `credit`
    schedule: their steps by day ─▶ notices, tasks, late fees; suspension ─▶ the hold and its end

The suspension is a matter too (`suspension`): it says whether it waits, and for what, whether the
hold is the engine's own, and the fee that was quoted. A hold that a person opened has none.
"""
