"""python -m nampedal.converter.cli."""

from nampedal.converter.cli import main

main()
