"""What a notebook sees: checks, magics, and HTML for what the library returns."""
