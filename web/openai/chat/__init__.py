"""Chat completions.

request     a request for one, read
completion  a finished job as a completion
events      the same while it is made
"""
