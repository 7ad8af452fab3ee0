# What the rules of the stage stability ask the configuration.


def mutated_sets(dataset):
    """Keys of the image sets that mutants are asked about beside calibration, which accepts
    them."""
    return [key for key in image_sets(dataset) if key.kind != "calibration"]


def further_sets():
    """Names of the sets that further rates are tried on: test, and each attack's strongest
    images."""
    return ["test", *(keys[-1].name for keys in ATTACKED.values())]


def mutation_options(w):
    """Options of one operator on one net."""
    section = CONFIG.stability
    main, *further = section.rates(w.operator, w.model)
    return options(
        section.mutation,
        operator=w.operator,
        method=section.module_of(w.operator),
        dataset=w.dataset,
        model=w.model,
        **set_names(mutated_sets(w.dataset)),
        further_sets=further_sets(),
        set=section.operator_options(w.operator, w.model) | {"rate": main},
        further_rates=further,
        **runtime("mutate", w.dataset, w.model, w.operator),
    )


def of_operators(ending, *datasets):
    """Files of every operator of the nets of some datasets, or of all: `parquet` or `csv`."""
    return [
        results(f"stability/{dataset}/{model}/{operator}.{ending}")
        for dataset in datasets or CONFIG.datasets
        for model in CONFIG.models
        for operator in CONFIG.stability.operators_of(model)
    ]
