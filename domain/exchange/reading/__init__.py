"""What an import file may hold, and how its cells become values: pure, without a byte of I/O."""
