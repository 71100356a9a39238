"""Whose things are, and who may do what.

owners    owners, their keys and roles
sessions  who is signed in with a browser, and until when
shares    links with which anybody can read one batch
audit     who did what to what: the events of the audit trail
"""
