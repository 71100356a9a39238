"""What the run of tests itself does, as plugins of pytest.

background  signals, where tests run in the background of a shell
limit       a time limit of the whole run
not_run     skipped tests, and why
"""
