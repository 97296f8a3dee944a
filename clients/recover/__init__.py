"""Recovery from what a pipeline can't recover from on its own."""
