"""What a launch is, when it may be, and what becomes of it. Pure: no clock, no files, no randomness.

The rooms, each importing only those after it: questions (asked, never told), decisions (who speaks), scheduling
(dates), evolution and portfolio (state), rules (what a day may be), tiers, launch, feature, context, calendar,
policy, reasons.
"""
