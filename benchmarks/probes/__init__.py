"""Programs that are measured from outside, in processes of their own. They import awm_lib and nothing of benchmarks."""
