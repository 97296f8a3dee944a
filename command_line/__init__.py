"""`datapipe`, the command line of a deployed stack; bin/datapipe runs it."""
