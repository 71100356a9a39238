"""What operators look at.

health     /health, /ready and /metrics
heartbeat  tells the fleet that it is alive
trouble    what keeps Redis from doing its part
metrics    what is counted
pod_cost   what removing this pod would cost
cores      how many cores there are, and how they are shared
logs       one line an event
"""
