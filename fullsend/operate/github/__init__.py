"""What an operator asks GitHub: whose key this is, what the App may do, where it is installed."""
