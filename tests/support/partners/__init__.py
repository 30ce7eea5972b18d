"""Partner systems as they are out there: they send until they are answered, and mirror what they may see."""
