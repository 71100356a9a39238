"""Samples of any depth as the 8 bits that an engine sees, dark on light as they were meant.

samples  10 to 64 bits a sample, and fractions, brought to 8
white    which samples mean black and white
deep     the same of colors
paper    what transparent pixels show
"""
