"""What uses a running pipeline from outside, knowing nothing but the stack's outputs."""
