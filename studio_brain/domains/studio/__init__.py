"""StudioState: what state the studio is in, counted from its cloud, day by day, and what changed."""
