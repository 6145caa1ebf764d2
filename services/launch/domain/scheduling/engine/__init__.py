"""The planning engine as a library: from an event to a plan with the least disruption, its reasons and its certificate.

Start with engine.py (the library) and model.py (its words). Knows neither launches nor policies of the domain.
"""
