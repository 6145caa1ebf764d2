"""The tables of roadmap; load and save with few statements a batch (SQLAlchemy Core). Nothing is decided here."""
