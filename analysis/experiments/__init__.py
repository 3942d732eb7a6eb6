"""The page on the paper's experiments, made from the results of configs/paper/small and configs/paper/open."""
