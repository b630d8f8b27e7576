rehost_unit(engine_queue engine)
