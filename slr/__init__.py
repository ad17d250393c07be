"""Sign language recognition: the task itself, continuous and isolated.

Nothing is imported here on purpose: ``slr.scoring`` must start without loading torch.
"""
