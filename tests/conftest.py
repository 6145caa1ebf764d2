"""What every test may ask for. The fixtures themselves are beside the servers they start."""

import signal

pytest_plugins = ["tests.servers.fixtures"]

# A shell lets its background jobs ignore Ctrl-C, and whatever they start inherits that: a test that interrupts a
# process of ours would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
