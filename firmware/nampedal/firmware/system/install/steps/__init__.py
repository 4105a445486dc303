"""The steps of an installation: types, applying them, the journal of earlier states, undoing them."""
