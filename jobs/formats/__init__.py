"""What a file of an image is, from its bytes: web and worker tell it alike. Decodes nothing.

images   what may be sent as an image, and why one is refused
unread   kinds of files that are known and not read
png      a PNG's chunks
jpeg     a JPEG's segments
heif     the size of a HEIF
tiff     a TIFF's directories
pages    which images of a file are its pages
"""
