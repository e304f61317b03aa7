"""Running a mint on Google Cloud: what is, what should be, the steps from one to the other, and their taking."""
