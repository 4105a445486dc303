"""Events, gestures and positions of footswitches and knobs. Nothing in this package accesses hardware."""
