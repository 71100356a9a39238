"""What a file is, from its bytes: all who look at it tell it alike. Decodes nothing itself.

images   what may be sent as an image, and why one is refused
unread   kinds of files that are known and not read
png      a PNG's chunks
jpeg     a JPEG's segments
gif      the size of a GIF
webp     the size of a WebP
heif     the size of a HEIF or an AVIF
tiff     a TIFF's directories
pdf/     a PDF's pages, by a process of its own
pages    which images of a file are its pages
safetensors  a model's weights: which there are, and in which files
"""
