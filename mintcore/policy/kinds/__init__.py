"""The kinds of issuers: one module for each CI system, from its documented claims to who asks. Pure."""
