"""The database: engine, column types, and the Unit in which every use case runs. SQLAlchemy lives here."""
