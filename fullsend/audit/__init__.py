"""Read a mint's audit log: which job held which token."""
