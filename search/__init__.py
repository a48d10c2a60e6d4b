"""Search over one account's messages: by their words and by their meaning. No Ray."""
