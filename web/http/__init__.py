"""What all responses have in common. Imports jobs.contract, and no store.

problems         every error as problem JSON
json             JSON that is read strictly
query            what stands behind the `?` of an address
numbers          numbers that are read strictly
conditional      ETag, If-None-Match, Retry-After
idempotency      Idempotency-Key
hosts            by which names the server may be asked
origins          no other website's page changes anything
waiting          responses that are not known yet
bell             wakes whoever waits
ears             answers that are heard while they are said
heard            when to look at the record of one that is heard
proxies          what proxies in front say of those who ask
addresses        those that are secrets themselves
cookies          those that stand for somebody
security         headers that every response carries
request_log      what lines of the log about a request have in common; its id
request_metrics  how many requests, and how long they took
"""
