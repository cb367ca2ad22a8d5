"""Standing of suppliers: lawful bans, records of decided acts, and the level they make (R7.14)."""
