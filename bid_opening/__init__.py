"""The remote opening (不见面开标): freeze, room, unsealing, opening record. domain.md §3, EB20 Art 29-32."""
