"""Tallyfern: an invented company of thirty people with forty features, and one week of its roadmap."""
