"""The run: configuration, assembly, training, records, evaluation, tables."""
