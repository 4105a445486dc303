"""What plays: from the engine to the daemon, the system around it and the command line.

No other room imports it.
"""
