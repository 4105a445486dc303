"""`nampedal doctor`: what is wrong with a pedal that runs, and how to mend it."""
