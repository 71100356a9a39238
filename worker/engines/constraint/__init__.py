"""Answers held to a format, token by token.

grammars     a format compiled for a model's tokens, once
masks        what may be said next, for all rows in one call
generating   the same within transformers' `generate`

A row without a format costs nothing here: no mask is made for it.
"""
