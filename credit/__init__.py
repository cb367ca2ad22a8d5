"""Standing of suppliers. For now: lawful bans. The centre itself never invents one (R7.14)."""
