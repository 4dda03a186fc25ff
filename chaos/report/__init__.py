"""From a judged run to what people and machines read."""
