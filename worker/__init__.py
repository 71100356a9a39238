"""The worker: takes jobs of one model from the queue, and writes their answers.

    main     the door: `python -m worker --model M`
    life     a worker's life, from its settings to its last heartbeat
    status   what it is doing now, as its own parts see it
    drain    how it stops: finish, or give back
    broker   messages: when one is taken, kept, given back
    job      the life of one job in its slot
    device   the one thread that owns the device
    engines  the code that runs a model
    models/  weights that come with EVA-01
    ops      health, metrics, logs

Imports `jobs`, and nothing of `web`.
"""
