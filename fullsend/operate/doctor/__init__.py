"""Find every disagreement between the parts of a mint. Checks are pure functions over one snapshot."""
