"""Servers that nobody here wrote, with the bundled model, behind a worker of ours."""
