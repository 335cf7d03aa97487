"""Signing in with the studio's cloud (Firebase Auth): password sign-in, token refresh, the claims that make staff."""
