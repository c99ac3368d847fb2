"""General tools that know nothing of suggestions; they could be published on their own."""
