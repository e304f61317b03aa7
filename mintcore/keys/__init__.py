"""App private keys and the App JWTs they sign. Key bytes do not leave this package."""
