"""The neural network engine: captures, artifacts, and playback. The C++ module is `_engine`.

Any room above may import it.
"""
