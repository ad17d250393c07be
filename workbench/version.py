"""The version of the whole project, read by setup.cfg without importing anything heavy."""

__version__ = "0.1.0"
