"""Stage 3: usage and facts become verdicts, verdicts become orders. Pure."""
