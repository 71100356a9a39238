"""A model's files, before anything of them is loaded.

source    where they are, and what of them is loaded
bucket    a model's files out of a bucket
identity  which weights a model has
"""
