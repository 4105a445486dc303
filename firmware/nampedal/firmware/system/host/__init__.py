"""Access to the host system that provisioning and bank import share: its programs, and paths under its root."""
