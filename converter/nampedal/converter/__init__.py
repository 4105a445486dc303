"""From a .nam to an artifact, on any computer. Nobody imports it; the pedal does not carry it."""
