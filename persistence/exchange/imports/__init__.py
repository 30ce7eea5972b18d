"""Imports: the jobs and their report, what a chunk of rows finds, and what it writes."""
