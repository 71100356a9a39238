"""The models of requests and responses; the OpenAPI document is made from these.

base     what they have in common: ids in addresses, and problems
forms    forms, as they were sent
jobs     single jobs
batches  batches, and the files that are sent to them
results  what is asked of a batch's results, and a page of them
shares   links to batches
status   what is served, and how it is
keys     API keys, and who asks
usage    what owners have taken
audit    the audit trail
"""
