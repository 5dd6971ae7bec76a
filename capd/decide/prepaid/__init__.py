"""Prepaid products (E-1): no month and no cap, but a balance that runs out.

The balance is a matter of kind `prepaid`: what was bought in all, and what the ledger had counted
in all when it began. Somebody who moves to another product keeps it, and finds it on coming back.
"""
