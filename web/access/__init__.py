"""Who asks, and what they may do: looked at before a request is read.

login       whether anybody has to say who they are
caller      who makes the request, by a key or a session
holders     for whom a key speaks
session     who is signed in with a browser
pace        how often they may ask, and how often an address may try keys
signing     signing in: with a key, or at the OpenID Connect provider
openid      the provider
members     who somebody is here whom the provider knows
rules       what each call needs: one line an endpoint
link        what a link to a batch opens, and what its readers see
audit       which calls are written into the audit trail, and as what
recent      what was written there of late, so that it does not fill up
gate        where both are compared; what belongs to others is as if it were not there
"""
