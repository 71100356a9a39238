"""How long others wait while many connections are slow.

load       the slow connections, in a process of their own, so that who measures is not slowed by them
__main__   who measures: idle, with them, idle again
"""
