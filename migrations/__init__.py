"""The history of the tables, one revision per file, run by Alembic."""
