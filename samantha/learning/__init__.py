"""What is done with what was seen: answers put together from events, what-if, scores, export. No model, no page."""
