"""The worker: takes jobs of one model from the queue, and writes their answers.

    main        the door: `python -m worker --model M`
    life        a worker's life, from its settings to its last heartbeat
    status      what it is doing now, as its own parts see it
    slots       Celery: the threads that hold jobs, and when they take one
    answering   the life of one job in its slot
    cache       answers that are there already
    preparation what is done to an image before it is asked about
    in_flight   what several slots need at the same time
    decode      bytes to an upright RGB image, or a reason
    batching    which waiting images go to the device together
    device      what a slot has to do with the device, in whichever way it answers
    batcher     the one thread that owns the device, for an engine that answers batch by batch
    roller      the same for an engine with a rolling batch
    watchdog    notices when the device does not come back
    engines     the code that runs a model
    drain       how a worker stops: finish, or give back
    heartbeat   tells the fleet that it is alive
    health      /health, /ready and /metrics
    metrics     what is counted
    cores       how many cores there are, and how they are shared
    logs        calm lines

Imports `jobs`, and nothing of `web`.
"""
