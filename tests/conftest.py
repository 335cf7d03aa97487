"""Fixtures that tests of several parts use."""

from tests.store.databases import databases, postgresql_server

__all__ = ["databases", "postgresql_server"]
