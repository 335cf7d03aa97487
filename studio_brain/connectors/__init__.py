"""Scoped ways to what is outside, one folder a system. They import the kernel and nothing else of the engine.

Every folder has the same files: `wire.py` (bytes ↔ values), `client.py` (calls), `connector.py` (the port of
`kernel.ports`). What they share is here: `transport`, the one place where a socket is opened.
"""
