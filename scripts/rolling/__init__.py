"""How much the rolling batch gains over static batches, on a mid-size model with random weights.

model     that model: the shape of Qwen2.5-VL-7B, at about a hundredth of its size
load      jobs with images of mixed sizes and answers of drawn lengths
batches   both ways to answer them, behind one face

`python -m scripts.rolling` measures all and prints a table.
"""
