"""Existing databases as sources: the SQL that prepares one, and what is wrong with one."""
