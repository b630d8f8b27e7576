rehost_unit(engine_difference engine)
