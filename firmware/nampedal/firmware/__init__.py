"""What plays: the engine, the artifact, and, on the pedal, everything between a footswitch and the sound."""
