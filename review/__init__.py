"""What a reviewer sees of a stack before a merge: preview, policies, budgets, manifests.

Everything here works without a cluster, a cloud or credentials: the real engine runs the program
with provider plugins that create nothing (`provider_plugins.echo`), and the policy pack judges what
it registers. `make preview` shows what only a cluster can know (whether it accepts a manifest) or
only a state can (what exists already).
"""
