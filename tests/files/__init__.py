"""Files that tests send.

drawing   scenes whose descriptions are known
hostile   malicious and suspicious files
damaging  damaged files
pdfs      PDFs with known pages and texts
tiffs     TIFFs tag by tag
forms     forms byte by byte
"""
