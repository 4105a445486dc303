"""Makes a system into a pedal, and a pedal back into the system that it was: a plan of small steps, carried out."""
