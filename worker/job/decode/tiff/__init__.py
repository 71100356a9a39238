"""The pixels of a TIFF, which may have samples of any kind, packed in many ways.

pixels     those of a TIFF, of whatever samples
blocks     its strips or tiles
jpegs      those of them that are JPEGs
unstored   what it leaves out
fax        whether a fax in it is whole
fax_codes  the codes of faxes
"""
