"""Fault injection: real processes, a seeded schedule of faults, and invariants that must hold afterwards.

    deployment      Redis, a failing blob store, web and workers, with a proxy before each worker's Redis
    faults     the faults, each with a name and a `strike`
    run        a seeded schedule of faults while images are sent and answered
    check      the invariants, each a function

`scripts/chaos` is the long run, test_chaos.py the short one.
"""
