rehost_unit(mover_names mover)
