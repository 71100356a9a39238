"""What tokens attend to in the pool: blocks that are gathered first, or flash-attention finds where they are.

masks     which tokens each token of a pass attends to
tables    the blocks of rows as a table, by which they are attended to where they are
grouping  which rows' keys and values are gathered together, and attended to there
past      which of the two it is
in_place  whether there is what attends by tables, and is right about it on this device
"""
