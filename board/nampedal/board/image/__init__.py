"""How a card's image is made: Debian's packages, the installer's steps, and a disk around them."""
