"""The kinds of issuers: one module per CI system reads its documented claims. Pure."""
