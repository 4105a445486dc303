"""Wi-Fi of the pedal: the networks that nampedal.toml names, the hotspot, and the country whose rules hold."""
