"""The policy lab: what was decided, decided again by another policy. A tool beside the service, which never uses it."""
