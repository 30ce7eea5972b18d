"""The published contract: the OpenAPI document, built from the table of operations and the models, and the SDL."""
