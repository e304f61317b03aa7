"""The plain mint to which the benchmark compares ours."""
