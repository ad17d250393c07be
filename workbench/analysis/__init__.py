"""What a run or a study found, gathered from its folder and its corpus: for the figures, and for the page."""
