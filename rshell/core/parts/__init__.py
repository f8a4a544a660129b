"""The parts of a container that have a notation of their own, in whatever file or option they stand."""
