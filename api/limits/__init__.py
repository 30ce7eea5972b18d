"""Rate limits per client and class of routes, shared by all workers and instances (contract 1).

`rates` says how much, `quotas` counts with leases from a shared store, `gate` is what the doors ask, `redis` is
the store for whoever has one; the default store is PostgreSQL's, in persistence.
"""
