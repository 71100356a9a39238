"""Servers that tests start, those that others would have among them, and how they are spoken with.

serving        HTTP and TCP in a thread of the test
web_process    our own web
slow_clients   such a web of few threads, and clients that are slow
nginx          what stands before it
refusing       a Redis that refuses to write
internet       names, addresses and servers that speak TLS
fetches        how images are fetched there
provider       an OpenID Connect provider
openai_server  a server that speaks OpenAI's API
cluster_api    a Kubernetes API
"""
