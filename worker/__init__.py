"""The worker: takes jobs of one model from the queue, and writes their answers.

    main     the entry point: `python -m worker --model M`
    life     a worker from its settings to its exit: its parts, made, started and stopped
    summary  what it will do with its model, in lines for people
    status   its current state, which heartbeat and health server report
    drain    how it stops: finish what fits in time, give the rest back
    broker   messages: when one is taken, kept, given back
    job      the life of one job in its slot
    device   the one thread that owns the device
    engines  the code that runs a model
    models/  weights that come with EVA-01
    ops      health, metrics, logs

Imports `jobs`, and nothing of `web`.
"""
