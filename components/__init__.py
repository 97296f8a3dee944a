"""The pipeline's layers as Pulumi component resources, a package each."""
