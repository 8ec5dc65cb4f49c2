"""Draw formulas and charts as PNGs, on a light card that looks good in dark and light chats."""
