"""Actions, their bindings, MIDI messages, the control socket, and the states of the LEDs."""
