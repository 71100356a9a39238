"""Pages of text drawn to measure `ocr` with: `scripts/ocr_quality`.

sheets      what one page is to be: its layout, typeface, size, resolution, and what time did to it
typefaces   fonts of free licence, and how to get them
words       what is written
layouts     where it is written: columns, tables, headings, captions
wear        skew, turns, faded and dark paper, JPEG
scoring     how what was read differs from what was written
plain       what RapidOCR reads by itself: what is compared with
report      the tables
"""
