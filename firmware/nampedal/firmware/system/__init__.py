"""Making a system into a pedal: images, installation, provisioning, updates, the doctor."""
