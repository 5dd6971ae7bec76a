"""Stage 2: readings become usage. Pure: values and `now` in, values out.

Two principles decide whatever is not written here: every byte that the counters prove is counted
exactly once; what they do not prove is never counted as used, but shown (`estimated_bytes`,
`unknown_s`). The rules have ids, which tests, entries and answers name:

CN-1   The first reading of a meter, or of another box in its place, is a baseline: nothing counts.
CN-2   A reading that is not newer than the last accepted one is dropped, before every other rule.
CN-3   A counter that grew counts the difference; one that stayed counts zero.
CN-4   The box restarted since: the count begins at zero; the time up to its boot is unknown.
CN-5   The counter was born again (its epoch changed): as CN-4, with the whole gap unknown.
CN-6   Only the agent restarted: as CN-3, unless the counter fell: then as CN-4.
CN-7   A 32-bit counter that fell wrapped once, where the link could carry that; where it could
       carry more, one wrap is counted and marked as estimated.
CN-8   A 64-bit counter that fell is only a candidate: the next reading shows a glitch or a reset.
       So is a fall to zero, and one from a value that was put aside, whatever an agent's restart
       or a width of 32 bits may say.
CN-9   A 64-bit counter that really wraps at 32 bits is described so by its profile.
CN-10  More than the link can carry is put aside for a person, with its evidence.
CN-11  An uptime in hundredths wraps after 497 days: that is no restart.
CN-12  A gap over the end of a period, day or hour is shared out by time, in whole bytes.
CN-13  Missed polls cost resolution, not bytes.
CN-14  Of a main and a backup meter the main one counts; the backup fills its unknown gaps.
CN-15  Several main meters are added.
CN-16  A device's own time is believed only near the clock; else the time of arrival counts.
       Where capd's own clock was set, the next readings prove no restart by it, and no wrap.
CN-17  Rates, fractions, negative values and nonsense are refused with their reason, never guessed.
"""
