"""Keeping the evidence: sweeps, vaults, witnesses, retention, erasure, epochs, drills. One topic, one file."""
