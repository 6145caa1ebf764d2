"""What every test may ask for. The fixtures themselves are beside the servers they start."""

pytest_plugins = ["tests.servers.fixtures"]
