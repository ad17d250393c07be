"""The run: configuration, assembly, training, records, evaluation, tables."""

import os

# oneDNN keeps a kernel per shape it has met, up to 1024 of them. Clips come in all lengths, so on a CPU that grows by
# gigabytes while hardly a kernel is used twice. Read when torch computes for the first time.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
