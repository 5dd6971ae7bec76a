"""Fair use (FU): excessive use is told of first, and acted on only if it goes on."""
