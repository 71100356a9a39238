"""`python -m worker --model M`."""

from worker.main import main

main()
