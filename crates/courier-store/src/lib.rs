//! What is kept: SQLite or PostgreSQL from one code.
