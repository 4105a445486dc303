"""Runs the program nampedal: python -m nampedal.firmware.cli."""

from nampedal.firmware.cli.main import main

main()
