"""What a run found, gathered from its folder and its corpus, for figures and for one page that needs no network."""
