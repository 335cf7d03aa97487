"""The installation itself as a part of the business: who is here, how its connectors are, what it can derive again."""
