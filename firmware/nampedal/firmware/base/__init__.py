"""Used by all other packages: the error classes, system paths, logging, limits. It imports no other package.

Any room above may import it.
"""
