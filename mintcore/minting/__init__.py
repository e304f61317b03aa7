"""Parts of the service: what policy has to know from GitHub, and what is prepared while STS is asked."""
