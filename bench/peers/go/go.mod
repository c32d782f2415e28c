module flashwave/bench

go 1.19
