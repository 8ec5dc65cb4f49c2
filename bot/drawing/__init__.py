"""Formulas and charts as PNG pictures, on a light card of their own that dark and light chats both show well."""
