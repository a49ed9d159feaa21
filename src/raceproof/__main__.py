"""`python -m raceproof` is the command `raceproof`."""

import sys

from raceproof.cli import main

if __name__ == "__main__":
    sys.exit(main())
