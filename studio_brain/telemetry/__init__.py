"""What the program says about itself: JSON log lines without secrets, counters and durations."""
