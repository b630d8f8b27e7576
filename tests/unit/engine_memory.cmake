rehost_unit(engine_memory engine)
