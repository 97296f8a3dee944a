"""The pipeline at a glance: `python -m clients.status --stack sandbox`."""
