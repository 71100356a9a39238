"""Bytes to an upright RGB image, or a reason why not.

decoder   the steps, and the limits on them
upright   as its camera was held
samples   10 to 32 bits a sample, and fractions, brought to 8
paper     what transparent pixels show
"""
