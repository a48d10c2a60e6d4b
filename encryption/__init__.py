"""Encryption at rest: what is stored of an account can be read with the account's own key alone. No Ray."""
