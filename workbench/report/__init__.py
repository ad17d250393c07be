"""One page about a run or a study that needs no network."""
