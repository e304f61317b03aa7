"""Every way in which the parts of a mint can disagree. Checks are pure functions over one snapshot."""
