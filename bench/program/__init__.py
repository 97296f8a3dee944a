"""How long `pulumi preview` and `up` of the program take as tables are added.

The engine, its state in files, the program and the policies are the real ones. Plugins that create
nothing answer for Kubernetes, AWS and Kafka, so what a cluster would take is not measured.
"""
