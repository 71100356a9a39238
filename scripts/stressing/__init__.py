"""Much at once, against any address: `scripts/stress`, or `python -m scripts.stressing` in a container.

outcome   what became of one question, and of all of them
single    so many requests to /analyze, so many at a time
folders   a folder as a batch, so many times
drawing   images to ask about when none are given
plot      the latencies over time, as SVG
"""
