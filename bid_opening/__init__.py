"""The remote opening (不见面开标): freeze, room, unsealing, opening record. R3.01-R3.18, EB20 Art 29-32."""
