"""Who may do what, and what they did.

keys       API keys, in the blob store and in Redis
sessions   who is signed in with a browser
signing    the key that sign-ins under way are signed with
shares     links to batches, in the journal and in Redis
ownership  whose a job or a batch is
pace       how often somebody may do something
audit      who did what to what, in the blob store
"""
