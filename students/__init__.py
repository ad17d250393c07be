"""Networks that read skeletons and learn."""
