"""Drills of the alerts: each is made to fire on a local stack, and ended as the runbook says.

hastened  the rules, with a second for each minute
stage     the stack, what a cluster's exporters would say, and a Prometheus that watches
acts      what happens, and what ends it; one for each alert, or for several that come together
"""
