"""The sections of a report, in order. Each is a function study -> Section; one that has no data says why."""
