"""Calls of the API made from its own document by schemathesis, thousands of them: `scripts/fuzz_api`.

house      a web with a worker, and those who call it
checking   one run of schemathesis, and what came of it
rules      what no document can say; schemathesis loads it
"""
