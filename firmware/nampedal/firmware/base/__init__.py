"""Used by all other packages: the root of all errors, system paths, logging, limits. It imports no other package."""
