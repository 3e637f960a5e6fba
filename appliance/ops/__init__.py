"""Running the box: prepare, serve, work, health."""
