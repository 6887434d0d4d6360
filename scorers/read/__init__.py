"""How a response is read: taken apart, where its answer is, and what type of answer."""
