"""What a pipeline can't recover from by itself: `python -m clients.recover --stack sandbox`."""
