"""Bytes to an upright RGB image, or a reason why not.

decoder      the steps, and the limits on them
room         the memory that all slots decode in
memory       how much of it a picture takes, and how that goes back to the machine
strips       a picture some rows at a time
picture      a picture alone, and how to take it
plain        that of a file, whatever its format
tiff         that of a TIFF
packing      samples that Pillow cannot unpack
reading      the pixels, or what is there of them
partial      which rows are there of an image that is cut short
jpeg_check   what libjpeg complains of in a JPEG
jpeg_end     the same of a JPEG, whose decoder fills what is missing
frames       whether it is an animation
heif         HEIF, by a process of its own
heif_reader  that process
heif_end     how much of its pixels, or of an AVIF's, was never written
pdf          a page of a PDF, drawn by another
tones        samples of any depth, brought to 8 bits
upright      as its camera was held
"""
