"""What follows from money owed, in the order in which it is looked at."""

from capd.decide.case import Rule
from capd.decide.debt import attempts, breach, reinstatement, schedule, suspension

CLOSINGS: tuple[Rule, ...] = (reinstatement.restored,)  # before what opens holds

RULES: tuple[Rule, ...] = (
    schedule.steps,  # B-1, C-2, E-3
    suspension.stopped,  # CT-4, B-1, C-1, C-2, UC-8
    reinstatement.left,  # C-3, E-3
    reinstatement.charged,  # C-3, CT-12
    reinstatement.ended,
    attempts.used,  # C-2
    breach.due,  # CT-4
)
