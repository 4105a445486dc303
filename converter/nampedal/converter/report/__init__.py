"""The conversion report: does it fit, will I hear it, how does it sound, where did it come from."""
