"""The Capability Gateway: nothing is done and nothing is seen except through a registered capability that policy
allows.

`Gateway.perform` is the one way to do, `Gateway.query` the one way to see. What changes something outside becomes a
proposal, is approved, claimed once, carried out by a connector, and ends in a receipt.
"""
