"""The GraphQL door: a schema made of the domain's values, on graphql-core (contract 9)."""
