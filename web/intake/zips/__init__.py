"""Zips: their files, none of them trusted.

archives   a zip as a file, whatever is wrong with its names
entries    the entries of a zip, one by one
unpacking  the content of an entry, piece by piece
"""
