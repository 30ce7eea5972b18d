"""Who is calling: tokens, keys and client secrets. Turns a bearer token into the domain's `Actor`."""
