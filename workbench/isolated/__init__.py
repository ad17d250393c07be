"""Runs on corpora of isolated clips: one sign or action each, a class in place of a transcript."""
