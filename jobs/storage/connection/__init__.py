"""The way to Redis.

address       REDIS_URL, read
certificates  the files of certificates that it names
client        a client of what it names
"""
