"""Tests of the program that maintains the Iceberg archive (java/maintenance)."""
