"""The embedded sandbox: Kubernetes, AWS and Pulumi on one machine, from package registries alone.

It gives a Pulumi program what a cloud would give it and knows nothing of that program.
`python -m sandbox --help` lists the commands; README.md says what it puts where.
"""
