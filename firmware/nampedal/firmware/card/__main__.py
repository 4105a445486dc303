"""python -m nampedal.firmware.card: `nampedal card boot` and `nampedal card import`, without all other commands.

The player waits for the first; the second leaves the memory to who plays.
"""

import sys

from nampedal.firmware.card.as_installed import at_boot, import_now

if sys.argv[1:3] == ["card", "import"]:
    import_now()
else:
    at_boot()
