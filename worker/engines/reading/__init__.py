"""Reading a page: from pixels to lines of text in the order in which people read them.

boxes       a slanted rectangle, and which way its text runs
detector    where text stands (a net of PP-OCR)
direction   which way the page is turned: guessed from its pixels, proved by reading a few lines both ways
strips      a line cut out, straight and dark on light; one that is too long is cut at its spaces
letters     what was read, and how sure each letter is
recognizer  what is written in a strip (a net of PP-OCR)
tiles       long images, cut where nothing is written
order       columns, tables, headings: which line comes next
page        all of that, one after the other
weights     opens the nets
"""
