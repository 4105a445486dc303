"""An image onto a card: which disk may be written, what is in the image, and whether the card holds it afterwards."""
