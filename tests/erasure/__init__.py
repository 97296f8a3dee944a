"""Tests of `datapipe erase` (erasure/)."""
