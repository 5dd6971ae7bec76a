"""Installations (IN): a job is booked, its price confirmed on the day, done, or not done.

A job is a matter of kind `job`, keyed by its reference; its charges are `installation`,
`extra_work` and `engineer_visit`. The equipment that it leaves behind is told with the contract.
"""
