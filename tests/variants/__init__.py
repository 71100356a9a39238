"""Files of every format and variant, made here, and the picture that each of them shows.

picture  the picture, and how far another may be from it
png      PNGs, chunk by chunk
jpegs    JPEGs
tiffs    TIFFs, tag by tag
tiff_blocks  TIFFs in strips or tiles
others   WebP, GIF, BMP, AVIF and HEIC
foreign  kinds of files that are known and not read
heic/    pictures that were packed as HEIC elsewhere: no package that may be used here does that
table    all of them by the names they have in docs/formats.md
"""
