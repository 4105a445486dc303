"""Banks of presets: listing, editing, packing and unpacking them."""
