"""Work through the stored data when a field or index key is changed, while the service goes on.

Every step can be broken off at any instant and run again: what is left to do is read from the rows themselves.
All of it runs as the owner, in short transactions.
"""
