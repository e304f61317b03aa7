"""The floor: the framework with a function that does nothing."""
