"""What a changed policy would have done with the usage in the store, beside what did happen.

Nothing is written: each subscriber's life is led again in memory (`life`, pure) by the same
judgements and facts as in the daemon, looking into the ledger only where a judgement says that
something may happen. `difference` (pure) compares and adds up, `run` reads the store in portions.
"""
