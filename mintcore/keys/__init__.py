"""App private keys and the App JWTs they sign, and the mint's own Google account, which reads or uses the keys.

The bytes of App keys do not leave this package.
"""
