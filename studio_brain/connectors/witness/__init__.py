"""Witnesses over HTTP: C2SP tlog-witness."""
