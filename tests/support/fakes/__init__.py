"""Stand-ins for hardware and its libraries."""
