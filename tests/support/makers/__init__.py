"""Make the files that tests read."""
