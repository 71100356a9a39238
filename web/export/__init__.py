"""What goes out. Knows the contract and the shape of answers, and no store.

table     the columns of an export, and a job's cells
lines     jobs as lines of CSV and JSONL
sheets    jobs as a workbook
parquet   jobs as a Parquet file
formulas  texts that a spreadsheet would take for one
texts     answers as a zip of text files
usage     what owners have taken, as CSV
names     the names of those files
entries   the list of them, on disk
"""
