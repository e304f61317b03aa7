"""Reading a mint's audit log: who held which token."""
