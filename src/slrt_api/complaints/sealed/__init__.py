"""Sealed reports: the vault of their reporters' identities, and access to it by two persons (`docs/decisions/0024`)."""
