rehost_unit(engine_recheck engine)
