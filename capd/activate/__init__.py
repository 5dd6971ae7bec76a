"""A radio goes into service: looked at, configured, read, and the term begins (CT-1, CT-11).

    supplied ─ reached ─ identity ─ firmware ─ signal ─ sector ─▶ configured ─ baseline ─ started

What is to the left of the arrow is only looked at, and all that is wrong is told at once; nothing
is changed before it is well. Every step may be taken twice: pressing again continues, repeats
nothing, and a replaced radio does not move the date.
"""
