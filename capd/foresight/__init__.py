"""Who will reach the cap this month, when, and how sure that is: from each one's own past days.

`pattern` (pure) learns how much a subscriber uses on which day of the week and how much days
differ, leaning on what all do where there is little of their own; `outlook` (pure) draws the rest
of the period from it many times over; `score` (pure) compares what it would have said with what
happened; `run` reads the store.
"""
