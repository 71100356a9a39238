"""A load test against any address: `scripts/stress`, or `python -m scripts.stressing` in a container.

outcome   what became of one question, and of all of them
single    requests to /analyze, a number of them at a time
folders   a folder as a batch, a number of times
drawing   images to ask about when none are given
plot      the latencies over time, as SVG
"""
