"""Who asks, and what they may do: looked at before a request is read.

login   whether anybody has to say who they are
caller  who makes the request, by a key
pace    how often they may ask, and try keys that are none
rules   what each call needs: one line an endpoint
gate    where both are compared; what belongs to others is as if it were not there
"""
