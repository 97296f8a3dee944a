"""`datapipe erase`: the rows of a key leave the archive, its history and its old files."""
