"""Reading and writing files: TOML with checked keys, JSON and bytes with limits, names, signatures.

Any room above may import it.
"""
