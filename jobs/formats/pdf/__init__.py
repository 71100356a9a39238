"""A PDF's pages, by a process that may die of them: PDFium reads what strangers wrote.

apart   asks that process: how large the pages are, how one of them looks
alone   the process itself
"""
