"""What is told when somebody asks: one record for the command line and the API alike."""
