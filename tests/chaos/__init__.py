"""Faults on purpose: real processes, a seeded schedule of what breaks, and what must hold afterwards.

    deployment      Redis, a failing blob store, web and workers, with a proxy before each worker's Redis
    faults     what can break, each with a name and a `strike`
    run        a seeded schedule of faults while images are sent and answered
    check      what must hold afterwards, each a named function

`scripts/chaos` is the long run, test_chaos.py the short one.
"""
