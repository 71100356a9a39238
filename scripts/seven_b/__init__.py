"""What only a GPU shows: a model of the shape of Qwen2.5-VL-7B with random weights, as the worker runs it.

folder     that model as a folder: its shape, tokens and weights
jobs       photos and questions, prepared by the engine
measures   what is measured, a function for each part
checks     what has to hold on a device: the same answers, valid ones, a full memory, a lost device

`python -m scripts.seven_b --write` runs all of it: about eight minutes on an H200, and 17 GB of disk.
"""
