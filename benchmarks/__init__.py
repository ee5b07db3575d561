"""Named workloads; `python -m benchmarks` lists them."""
