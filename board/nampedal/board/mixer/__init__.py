"""The mixer of a HAT: what its drivers can set, what a profile sets, and whether the two fit."""
