"""Tabwarden: access governance for Tableau Server and Tableau Cloud.

It is independent of Tableau and Salesforce.
"""

__version__ = "0.1.0"
