"""The Django site that the benchmarks run: the same settings for each variant."""
