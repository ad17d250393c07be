"""Networks that read video and teach."""
