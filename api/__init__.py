"""The doors: REST, GraphQL, operations, and the command line. Only the composition roots know persistence."""
