"""`python -m eva01`: the same as the command `eva01`."""

from eva01.cli.main import main

main()
