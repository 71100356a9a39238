"""Who asks, and what they may do: looked at before a request is read.

login   whether anybody has to say who they are
caller  who makes the request, by a key
rules   what each call needs: one line an endpoint
link    what a link to a batch opens, and what its readers see
audit   which calls are written into the audit trail, and as what
recent  what was written there of late, so that it does not fill up
gate    where both are compared; what belongs to others is as if it were not there
"""
