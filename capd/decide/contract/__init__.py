"""The contract (CT, UC-5, AU, C-5, C-6): begun, changed, ended.

Matters: `contract` (since when, which radio), `downgrade` (the way back after an upgrade, keyed by
the product that it leads to), `plan_change` (a change that takes effect later), `slow` (measured
well under the survey's estimate).
"""
