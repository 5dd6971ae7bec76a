"""Add-ons (AD): ordered, active, renewed, cancelled, ended.

An add-on is a matter of kind `addon`, keyed by its id in the policy. When it ends in mid-period,
what was used under it is added to the allowance (AD-5): nobody goes over for what was unlimited.
Used is what readings have shown by then: the last minutes before the end may count after it.
"""
