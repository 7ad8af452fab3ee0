# What the rules of the stage attribution ask the configuration.


def modules_and_options(entries):
    """Module and options of each of these entries of attribution.methods."""
    section = CONFIG.attribution
    return {
        entry: [section.module_of(entry), section.options_of(entry)]
        for entry in entries
    }


def propagating(model):
    """Entries that propagate relevance by rules, so that its balance can be drawn up."""
    return [
        entry
        for entry in attributions(model)
        if ATTRIBUTIONS.defines(CONFIG.attribution.module_of(entry), "rules")
    ]


def log_odds_entries(model):
    """Entries that take the log-odds test, if there is one, and apply to a net."""
    test = CONFIG.attribution.log_odds
    chosen = test.methods if test.pairs else ()
    return [entry for entry in chosen if not inapplicable(entry, model)]


def log_odds_methods(model):
    """Module and options of each of these entries."""
    section = CONFIG.attribution
    return {
        entry: {"method": section.module_of(entry), "set": section.options_of(entry)}
        for entry in log_odds_entries(model)
    }


def log_odds_modules(model):
    """Every module that these entries call."""
    entries = log_odds_entries(model)
    return sorted(
        {m for entry in entries for m in CONFIG.attribution.modules_of(entry)}
    )


def randomized(model):
    """Entries that the check by randomization is made of, as far as they apply to a net."""
    chosen = CONFIG.attribution.randomization.methods or CONFIG.attribution.methods
    return [entry for entry in chosen if not inapplicable(entry, model)]


def spread_inapplicable(dataset, model, name):
    """Why an entry of attribution.spread does not apply to a net; empty if it does."""
    entry = CONFIG.attribution.spread[name]
    if entry.source == "dropout" and "dropout" not in NETWORKS.traits(model):
        return "no dropout layer"
    if entry.objective != CROSS_ENTROPY and CONFIG.weights(dataset, model):
        return "given weights, trained by cross-entropy"
    return inapplicable(entry.method, model)


def spreads(dataset, model):
    """Entries of attribution.spread that apply to a net."""
    entries = CONFIG.attribution.spread
    return [name for name in entries if not spread_inapplicable(dataset, model, name)]


def plain_spread(dataset, model, name):
    """The entry that differs from an evidential one by its net alone, if there is one."""
    entries = CONFIG.attribution.spread
    if entries[name].objective == CROSS_ENTROPY:
        return []
    plain = entries[name].model_copy(update={"objective": CROSS_ENTROPY})
    return [each for each in spreads(dataset, model) if entries[each] == plain][:1]


def spread_options(dataset, model, name):
    """Options of an entry of attribution.spread, and of its method."""
    entry, section = CONFIG.attribution.spread[name], CONFIG.attribution
    return entry.model_dump(exclude={"images"}) | {
        "name": name,
        "objective": CONFIG.objective(dataset, model, entry.objective),
        "count": entry.images,
        "module": section.module_of(entry.method),
        "set": section.options_of(entry.method),
    }
