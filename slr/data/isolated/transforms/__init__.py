"""Small steps from a recorded clip to what a network reads; a pipeline is a list of them."""
