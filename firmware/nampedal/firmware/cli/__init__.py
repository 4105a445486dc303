"""The pedal's commands. Like the converter's, the only place that prints."""
