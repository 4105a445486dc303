"""What the card's first partition, which any computer reads, and USB sticks bring to the pedal."""
