"""Virtual machines as one uses them: a shell on each, with the commands people type."""
