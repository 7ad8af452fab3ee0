"""Seeds by name."""

from plumbline.runtime.seeding import derive


def test_seeds_differ_by_every_name_and_never_change():
    seeds = {derive(0), derive(1), derive(0, "a"), derive(0, "b"), derive(0, "a", 1)}
    assert len(seeds) == 5
    assert derive(0, "train", "digits", "lenet5", 0) == 162718126493860
    assert all(0 <= seed < 2**48 for seed in seeds)
