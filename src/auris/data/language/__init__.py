"""What people say about scenes: questions and answers, captions, and what can be read back from them."""
