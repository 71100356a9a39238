"""Images from addresses that users name: the one place from which web opens what somebody else chose.

url        an address, read once, so that what is compared is what is asked
allowed    which hosts may be asked (EVA01_FETCH_ALLOW)
public     which IP addresses are everybody's
metrics    how many, how long, what came of it
turns      who fetches next
network    connections to public addresses alone, until a deadline
fetcher    an address, to its bytes
"""
