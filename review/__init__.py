"""What a reviewer sees of a stack before it is merged: preview, policies, budget, manifests.

Everything here works without a cluster, a cloud or credentials: the real engine runs the program
with provider plugins that make nothing (`provider_plugins.echo`), and the policy pack judges what
it registers. What only a cluster can say (a dry run's refusal) or only a state can (what exists
already) is for `make preview`.
"""
