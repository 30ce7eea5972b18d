"""The rules of the programme. Imports the standard library and Pydantic, nothing else."""
