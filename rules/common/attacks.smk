# What the rules of the stage attacks ask the configuration.


def one_of(names):
    """A wildcard's constraint: one of `names`, nothing if there is none."""
    return "|".join(names) or "(?!)"


def bounded():
    """Attacks that make an image set for every epsilon."""
    minimal = CONFIG.attacks.minimal()
    return [entry for entry in CONFIG.attacks.methods if entry not in minimal]


def attack_code(entry, model):
    """Hash of all code behind an attack's images, that of its mutants too."""
    operator = CONFIG.attacks.operator_of(entry)
    return code(
        "attack.py",
        "attacks",
        ATTACKS.file(CONFIG.attacks.module_of(entry)),
        NETWORKS.file(model),
        *([OPERATORS.file(CONFIG.stability.module_of(operator))] if operator else []),
    )


def attack_options(w, **more):
    """Options of one attack on one net."""
    section, operator = CONFIG.attacks, CONFIG.attacks.operator_of(w.attack)
    if operator:
        of_operator = CONFIG.stability.operator_options(operator, w.model)
        more |= {
            "operator": CONFIG.stability.module_of(operator),
            "operator_set": of_operator,
        }
    return options(
        set=section.options_of(w.attack),
        method=section.module_of(w.attack),
        attack=w.attack,
        dataset=w.dataset,
        model=w.model,
        count=section.images_of(w.attack),
        **more,
        **runtime("attack", w.dataset, w.model, w.attack),
    )
