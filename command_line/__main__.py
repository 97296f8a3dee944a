"""`python -m command_line`: what bin/datapipe runs in the stack's environment."""

import sys

from command_line.program import main

if __name__ == "__main__":
    sys.exit(main())
