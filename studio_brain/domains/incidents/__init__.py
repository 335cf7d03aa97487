"""Incidents: what went otherwise than it should, who looks after it, and how far each capability can be trusted."""
