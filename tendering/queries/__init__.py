"""Read models of tendering's pages: frozen dataclasses, never rows."""
