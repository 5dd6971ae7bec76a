"""Stage 3: usage and facts become verdicts, verdicts become orders. Pure.

    Standing ─ judge ─▶ Verdict (events, service owed) ─ reconcile ─▶ Orders ─ guard ─▶ open, held
    Fact ─ facts.accept ─▶ events            events ─ standing.apply ─▶ Standing

A clause of the terms is a small function from a `case.Case` to events, in the file of its subject
(`holds`, `notices`, `caps`, `upgrades`, `overage`, `delays`); `judge.RULES` is the order in which
they are taken, again and again until none finds anything. So a new clause is one function, one
line in `RULES`, its words in `terms/` (gathered by `policy.Policy`) and, if it must remember
something, a matter: an event with `matters.change(...)` among its figures opens, changes or closes
one, the books and `standing` keep it, and it is judged again when it falls due. How a policy is
written down is in `capd/policies/`.
"""
