"""Compliance intake: what free text asks for, and the queue in which people decide on it."""
