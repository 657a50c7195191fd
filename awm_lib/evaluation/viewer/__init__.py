"""A local page to look at runs, and the same page as files."""
