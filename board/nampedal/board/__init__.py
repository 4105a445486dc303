"""What the box is: its controls and its hw-profiles. Imports nothing else of nampedal's."""
