"""The archive layer: the bucket, who may write to it, and the catalog of its tables."""
