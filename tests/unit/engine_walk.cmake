rehost_unit(engine_walk engine)
