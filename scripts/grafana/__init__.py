"""Grafana's dashboards, as code.

metrics.py   what the code measures, and the queries that make sense for each kind
panels.py    a panel, a row of panels, a dashboard: Grafana's JSON
service.py   the dashboard of the service: queue, times, throughput, reliability
fleet.py     the dashboard of the fleet: replicas, GPUs, cost, Redis
rules.py     the recording rules, for a Prometheus without its operator
__main__.py  writes all of them
"""
