"""The hardware: boards, HATs, controls and their drivers. `errors` holds their error classes.

Imported by board.drivers, board.inputs, board.setup, firmware.cli.
"""
