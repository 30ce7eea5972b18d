"""Files of persons or events, applied row by row: values, rules, and what they ask of a store."""
