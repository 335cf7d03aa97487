"""The studio's Cloud Functions: the only way in which the brain changes the studio's cloud."""
