"""The opening's pages and addresses: hall, rooms, acts, polling. Parse, call one use case, show."""
