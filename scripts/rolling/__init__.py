"""How much the rolling batch gains over static ones, on a mid-size model with random weights.

model     that model: the shape of Qwen2.5-VL-7B, at about a hundredth of its size
load      jobs with images of mixed sizes and answers of drawn lengths
serving   both ways to answer them
measures  what is measured, a function for each line of the table
idle      how long the device waits while there is work
layers    speed-up by faster layers, a separate script
many      64 and 128 rows of all lengths, a separate script

`python -m scripts.rolling --write` measures all of it, in about half an hour on two cores.
"""
