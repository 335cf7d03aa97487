"""The studio's Cloud Functions, with their envelopes, messages, limits and faults (`docs/practice.md` lists them)."""
