"""A synthetic province, or country: as many households as asked for, the same ones every time.

Household n is made from its number and the chosen areas alone, so that a larger demo begins with the
smaller one. Nothing is a real person's: citizen ids start with 9, phones with 010, names come from lists.

`generator` plays every household through the service's own moves · `load` copies them into a database ·
`files` writes them as request bodies · `clients` says who calls. Where a figure comes from: `shares`.
"""
