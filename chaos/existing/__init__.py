"""Faults of existing databases, while another source of the stack goes on."""
