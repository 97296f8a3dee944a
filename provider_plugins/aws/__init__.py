"""Stands in for pulumi-aws in the sandbox: a few resource types through boto3, to moto."""
