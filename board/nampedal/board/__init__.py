"""The hardware: boards, HATs, controls and their drivers. `errors` holds their error classes."""
