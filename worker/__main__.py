"""`python -m worker --model M`."""

from worker.main import main

# A process that starts another one for an engine has it read this file anew.
if __name__ == "__main__":
    main()
