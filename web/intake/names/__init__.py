"""What files that come in are called; nobody may have said how that is written.

paths      the path a file came under
charsets   text of which nobody said how it is written
zip_names  what the entries of a zip are called
encodings  what names are written in that do not say it
"""
