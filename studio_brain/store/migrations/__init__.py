"""Migrations of the *brain* database. *views* has none: when its version changes it is dropped and derived again."""
