"""The command line: the program nampedal and the helpers that its commands share. Only this package prints."""
