"""The one error of this package that is the user's to mend."""


class AnalysisError(Exception):
    """A file, option or combination that cannot be used: one line that names it and says what to do."""
