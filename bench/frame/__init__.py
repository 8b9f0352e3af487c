"""The frame of the benchmark: scripts/bench calls command.main. README.md beside this folder says what each file is."""
