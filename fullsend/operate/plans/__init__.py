"""From what is and what should be to the steps in between. Pure: no clock, no network, no environment."""
