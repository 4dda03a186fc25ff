"""What a user declares: experiments and environments, read with the place of every value."""
