"""The one thread that owns the device.

base      the hand-off between slots and that thread
reply     what a slot hears of its job
roller    for an engine with a rolling batch
batcher   for an engine that answers batch by batch
batching  the batching rule: which waiting images go to the device together
watchdog  notices when a call to the device does not return
"""
