"""Responses, which newer code asks for in place of chat completions.

request   a request for one, read
response  a job as a response
events    the same while it is made
"""
