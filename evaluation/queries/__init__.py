"""Read models of the pages: frozen, and only what the asker may know."""
