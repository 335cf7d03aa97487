"""Firestore over REST v1: masked documents at one moment, counts, single documents, commits behind an allow-list."""
