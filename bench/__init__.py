"""Load, measurements and comparison: what the deployed pipeline can carry, and what it keeps."""
