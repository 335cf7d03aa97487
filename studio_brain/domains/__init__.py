"""The parts of the business, one folder each. They never import one another: records are named by URN, capabilities
by id."""
