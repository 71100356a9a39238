"""Prompts that begin alike: what several jobs have in common is read once.

keys   what a prompt begins with, as keys
cache  the blocks in which such beginnings are kept
"""
