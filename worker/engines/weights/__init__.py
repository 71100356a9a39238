"""A model's files, and whether they may be used.

source     where they are, and what of them is loaded
bucket     a model's files out of a bucket
identity   which weights a model has
whole      whether they are all there, and none is cut
kind       of which family a model is, and whether that sees images
quantised  what it takes to use weights that are quantised
loading    reads them, with the attention that a family has
fit        whether the weights are the model's, all of them
numbers    whether they are numbers at all
unusable   what is raised where they must not be used
remedies   what to do when a model cannot be loaded
"""
