"""A stand-in for Azure Cosmos DB for Apache Gremlin, for tests: its protocol, rules and faults, on loopback.

Scripts are run by a real Gremlin Server after `translate` has put them into its words. What Cosmos DB is not
known to take is refused, so that what passes here asks nothing unproven of it. Charges are a simple model
(charges.py), not Azure's.
"""
