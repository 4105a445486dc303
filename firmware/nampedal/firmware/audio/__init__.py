"""Audio signals: files, levels, loudness, impulse responses, the tuner."""
